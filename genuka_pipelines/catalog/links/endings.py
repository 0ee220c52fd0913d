"""Refuses tables whose ends contradict each other: circles, and dates that go before what they date.

Rows end with the rows they name. Where that leads in a circle there is no order in which to delete, and
where a rule counts from a row that goes first, what is left has lost its date and stays for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.naming import At, Broken, Found
from genuka_pipelines.catalog.links.rules import events_of
from genuka_pipelines.catalog.table import Table, own_column

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category

Tables = Mapping[str, Table]


def broken_endings(catalog: Catalog) -> Iterator[Broken]:
    """Every table whose end contradicts another's, system by system."""
    systems = {category.system for category in catalog.categories.values()}
    declared = {system: {name: table for _, name, table in catalog.tables(system)} for system in systems}
    above = {system: {name: _above(name, tables) for name in tables} for system, tables in declared.items()}
    for key, category in catalog.categories.items():
        tables, ends = declared[category.system], above[category.system]
        for name, table in category.tables.items():
            found = [
                *_unnamed(name, table, tables),
                *_circles(name, ends),
                *_dates_lost(category, name, tables, ends),
            ]
            for at, problem in found:
                yield key, at, problem


def tables_named(column: str, table: Table, tables: Tables) -> tuple[str, ...]:
    """The tables of whose rows a column holds the key: declared owners, the tenant's parent, or `<singular>_id`."""
    path = table.tenant
    if column in table.references:
        return tuple(dict.fromkeys(table.references[column].owners.values()))
    if path and path.column == column and (path.owners or path.parent):
        return tuple(dict.fromkeys([*path.owners.values(), *([path.parent] if path.parent else [])]))
    return tuple(name for name, other in tables.items() if len(other.key) == 1 and column in keys_of(name))


def keys_of(table: str) -> tuple[str, ...]:
    """How a column is called that holds the key of a table's row: `order_id`, and `company_id` for companies."""
    stems = [table.removesuffix("ies") + "y"] if table.endswith("ies") else []
    return tuple(f"{stem}_id" for stem in (*stems, table.removesuffix("es"), table.removesuffix("s"), table))


def _above(name: str, tables: Tables) -> dict[str, At]:
    """The tables with whose rows a table's rows end, and where that is said."""
    table = tables[name]
    found: dict[str, At] = {}
    if table.kept_with and table.kept_with in tables:
        found[table.kept_with] = ("kept_with",)
    for column in table.ends_with:
        for other in tables_named(column, table, tables):
            if other in tables:
                found.setdefault(other, ("ends_with", column))
    return found


def _unnamed(name: str, table: Table, tables: Tables) -> Iterator[Found]:
    at: At = ("attributes", "tables", name, "ends_with")
    for column, becomes in table.ends_with.items():
        named = tables_named(column, table, tables)
        if not named:
            known = [
                f"{one} ({', '.join(found)})" for one in table.columns if (found := tables_named(one, table, tables))
            ]
            yield (
                (*at, column),
                f"'{column}' names no row of a declared table; columns of '{name}' that do: "
                f"{', '.join(known) or 'none'}; or declare it under references",
            )
        elif table.kept_with in named and becomes == "anonymise":
            yield (
                (*at, column),
                f"'{name}' is kept with '{table.kept_with}', so its rows go with it, and '{column}' says that they "
                "are made anonymous; keep one of the two",
            )


def _circles(name: str, ends: Mapping[str, Mapping[str, At]]) -> Iterator[Found]:
    for other, at in ends[name].items():
        if other == name:
            problem = f"rows of '{name}' would end with rows of '{name}' itself; end them by a rule of their own"
        elif name in _reached(other, ends):
            problem = f"'{name}' ends with '{other}', which ends with '{name}': neither can go first; take one back"
        else:
            continue
        yield ("attributes", "tables", name, *at), problem


def _reached(name: str, ends: Mapping[str, Mapping[str, At]]) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        fresh = [other for other in ends[waiting.pop()] if other not in seen]
        seen.update(fresh)
        waiting += fresh
    return seen


def _dates_lost(category: Category, name: str, tables: Tables, ends: Mapping[str, Mapping[str, At]]) -> Iterator[Found]:
    own = category.tables[name].retention
    for rule in (*own, *category.retention):
        for reference in events_of(rule):
            other, _, column = own_column(reference).rpartition(".")
            early = other and other != name and other in ends and name in _reached(other, ends)
            if early and not _goes_last(other, name, category, tables):
                at: At = ("tables", name, "retention", own.index(rule)) if rule in own else ("retention",)
                yield (
                    ("attributes", *at),
                    f"a rule for '{name}' counts from '{other}.{column}', but rows of '{other}' end with those of "
                    f"'{name}' and go first, with the date; end '{other}' by a rule of its own, or count from "
                    "another date",
                )


def _goes_last(name: str, parent: str, category: Category, tables: Tables) -> bool:
    """Whether rows go after the parent that they are kept with, because its period counts from them."""
    table = tables[name]
    anchors = [
        anchor
        for rule in category.rules_of(parent)
        for anchor in (rule.since, rule.otherwise, rule.floor and rule.floor.since)
        if anchor
    ]
    named = any(parent in tables_named(column, table, tables) for column in table.columns)
    read = any(own_column(event).startswith(f"{name}.") for anchor in anchors for event in anchor.of)
    return table.kept_with == parent and named and read
