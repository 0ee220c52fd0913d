"""Links from a table: to its parents, its columns' classifications, its rules' columns, its consents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.naming import Found, unknown
from genuka_pipelines.catalog.staging import FROM_PARENTS, OF_SEVERAL, OF_TWO, StagedColumn
from genuka_pipelines.catalog.table import Table, own_column
from genuka_pipelines.catalog.vocabulary import is_direct_identifier

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.catalog.rule import Rule


def broken_table(catalog: Catalog, category: Category, name: str, table: Table) -> Iterator[Found]:
    """Every broken link of one table."""
    siblings = {found for _, found, _ in catalog.tables(category.system)}
    for column, declared in table.columns.items():
        if problem := unknown(declared.holds, "classification", catalog.classifications):
            yield ("columns", column), problem
    if category.role == "processor" and table.tenant is None:
        yield (), f"'{name}' is held for tenants, but no tenant path says whose each row is; give it tenant:"
    if table.tenant:
        for parent in [table.tenant.parent, *table.tenant.owners.values()]:
            if parent and (problem := unknown(parent, "parent table", siblings)):
                yield ("tenant",), problem
        if _circular(catalog, category.system, name):
            yield (
                ("tenant",),
                f"the tenant path of '{name}' leads back to itself; end it at a table with a tenant column",
            )
    for column, owned in table.references.items():
        for owner in owned.owners.values():
            if problem := unknown(owner, "table", siblings):
                yield ("references", column), problem
    if table.kept_with and (problem := unknown(table.kept_with, "table", siblings - {name})):
        yield ("kept_with",), problem
    if table.content and (problem := unknown(table.content.system, "system", catalog.systems)):
        yield ("content", "system"), problem
    for subject in table.subject:
        if problem := unknown(subject, "data subject", catalog.vocabulary.subjects):
            yield ("subject", subject), problem
    for index, rule in enumerate(table.retention):
        for at, problem in broken_rule(catalog, category, name, rule):
            yield ("retention", index, *at), problem
    yield from _staging(catalog, category, table)


def _circular(catalog: Catalog, system: str, start: str) -> bool:
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        table = catalog.table(system, name)
        if table is None or table.tenant is None:
            continue
        for parent in [table.tenant.parent, *table.tenant.owners.values()]:
            if parent == start:
                return True
            if parent and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False


def broken_rule(catalog: Catalog, category: Category, table: str | None, rule: Rule) -> Iterator[Found]:
    """Every column that a rule reads and nobody declares; `table` is None for a rule of the category."""
    for reference in rule.references:
        name, dot, column = own_column(reference).rpartition(".")
        if not dot:
            if table is None:
                yield (
                    (),
                    f"a category's own rule reads table.column; '{reference}' names no table",
                )
            continue
        target = catalog.table(category.system, name)
        if target is None:
            known = [found for _, found, _ in catalog.tables(category.system)]
            yield (), unknown(name, "table", known) or ""
        elif column not in target.columns:
            yield (), unknown(column, f"column of '{name}'", target.columns) or ""


def _staging(catalog: Catalog, category: Category, table: Table) -> Iterator[Found]:
    if table.staging is None:
        return
    if consent := table.staging.consent:
        choices = catalog.table(category.system, consent.table)
        known = [found for _, found, _ in catalog.tables(category.system)]
        if problem := unknown(consent.table, "table", known):
            yield ("staging", "consent", "table"), problem
        for named in [*consent.by.values(), *consent.when] if choices else []:
            if problem := unknown(named, f"column of '{consent.table}'", choices.columns if choices else ()):
                yield ("staging", "consent"), problem
    if problem := unknown(table.staging.purpose, "purpose of this category", category.purposes):
        yield ("staging", "purpose"), problem
    days = any(column.way == "day" for column in table.staging.columns.values())
    for name, column in table.staging.columns.items():
        at = ("staging", "columns", name)
        if len(column.of) > 1 and column.way not in (*OF_SEVERAL, *OF_TWO):
            yield (
                at,
                f"'{name}' is staged as {column.way} of {', '.join(column.of)}: {column.way} takes one column; "
                f"name one of them, or make one value of all as {', '.join(OF_SEVERAL)}",
            )
        if column.way == "device_day" and not days:
            yield at, f"'{name}' is a device_day, but nothing says which day's key makes it: stage a column as day too"
        for source in column.of:
            owner, _, read = source.rpartition(".")
            holder = catalog.table(category.system, owner) if owner else table
            if problem := _out_of_reach(catalog, category, table, column, source):
                yield at, problem
            elif holder and column.way == "copy" and is_direct_identifier(holds := holder.columns[read].holds):
                yield (
                    at,
                    f"'{source}' is {holds}, a direct identifier, and never leaves the database in clear; "
                    "stage it as pseudonym, device_day, host or present",
                )


def _out_of_reach(catalog: Catalog, category: Category, table: Table, column: StagedColumn, source: str) -> str | None:
    """What is wrong with `parent.column`; None where it is a column of the table itself, or all is well."""
    owner, _, read = source.rpartition(".")
    if not owner:
        return None
    found = [(key, other) for key, name, other in catalog.tables(category.system) if name == owner]
    if not found:
        return unknown(owner, "table", [name for _, name, _ in catalog.tables(category.system)])
    ((key, parent),) = found
    purpose = table.staging.purpose if table.staging else ""
    if read not in parent.columns:
        return unknown(read, f"column of '{owner}'", parent.columns)
    if column.way not in FROM_PARENTS:
        return f"'{source}' is of another table, and {column.way} reads its own alone; of a parent: {_listed()}"
    if len(parent.key) != 1:
        return f"rows of '{owner}' have a key of several columns, so none is the one that a row here belongs to"
    if purpose not in catalog.categories[key].purposes:
        return f"'{source}' belongs to {key}, which is not held for the purpose '{purpose}'"
    return None


def _listed() -> str:
    return ", ".join(FROM_PARENTS)
