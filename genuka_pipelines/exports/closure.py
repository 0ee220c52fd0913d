"""Proves, in the snapshot itself, that what is chosen is of one tenant and names nobody else's rows.

A reference to another tenant's row is a fault of the source that an export would carry outside; a reference to
a row that is nowhere is an old scar of the source, counted and told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.exports.errors import NotOneTenant
from genuka_pipelines.rows.link import named_after
from genuka_pipelines.rows.path import named_by, of_tenants, owners_of, parent
from genuka_pipelines.rows.selection import OfTenant
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import Query

if TYPE_CHECKING:
    from genuka_pipelines.exports.choosing import Choice, ChosenTable, Source
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.path import Predicate
    from genuka_pipelines.systems.dump import Dump


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Columns of the archive that name rows of another of its tables; `loose` rows name one that is nowhere.

    `sometimes`: only where another column says so.
    """

    table: str
    column: str
    parent: str
    key: str
    sometimes: bool
    loose: int


@dataclass(frozen=True, eq=False)
class _Way:
    """How rows of a table name those of another, an aliased `target`; `when` only, where that is not None."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    target: DeclaredTable
    when: Predicate | None = None


def prove(choice: Choice, source: Source, dump: Dump) -> list[Reference]:
    """Every reference of a source's tables to tables of the archive. NotOneTenant where one names another's row."""
    found = []
    for name, table in choice.tables.items():
        if source in table.sources and name in dump.tables():
            _refuse_foreign(source, name, dump)
            found += [_looked_at(way, source, name, dump) for way in _ways(choice, source, table)]
    return found


def _refuse_foreign(source: Source, name: str, dump: Dump) -> None:
    """In the tenant's own database no row says that it is another's; elsewhere none is chosen that does."""
    path = source.home.declared[name].category.tables[name].tenant
    if not source.own or path is None or path.column is None or path.parent or path.owners:
        return
    table = source.home.table(name)
    column = table.column(path.column)
    others = column.is_not(None) & (source.home.database.dialect.text(column) != sa.literal(source.tenant, sa.Text))
    if _count(dump, table.sql, others):
        raise NotOneTenant(f"table '{name}' of {source.home.database.name} has rows of another tenant; correct them")


def _looked_at(way: _Way, source: Source, name: str, dump: Dump) -> Reference:
    table, mine = source.home.table(name), source.mine(name)
    naming = sa.and_(*(table.column(column).is_not(None) for column in way.columns))
    for within in (mine, way.when):
        naming = naming if within is None else naming & within
    lost = naming & ~_exists(way, table, _theirs(way, source))
    loose = _count(dump, table.sql, lost)
    if loose and not source.own and _count(dump, table.sql, lost & _exists(way, table, sa.true())):
        raise NotOneTenant(
            f"rows of the tenant in '{name}' of {source.home.database.name} name rows of another tenant by "
            f"'{', '.join(way.columns)}'; correct them"
        )
    return Reference(name, ",".join(way.columns), way.target.name, ",".join(way.keys), way.when is not None, loose)


def _theirs(way: _Way, source: Source) -> Predicate:
    if source.own or way.target.table.tenant is None:
        return sa.true()
    return of_tenants(way.target, lambda column: _is_theirs(source, column))


def _is_theirs(source: Source, column: sa.ColumnElement[Any]) -> Predicate:
    return source.home.database.dialect.text(column) == sa.literal(source.tenant, sa.Text)


def _exists(way: _Way, table: DeclaredTable, condition: Predicate) -> Predicate:
    alike = table.home.database.dialect.alike
    pairs = (
        alike(table.column(column), way.target.column(key)) for column, key in zip(way.columns, way.keys, strict=True)
    )
    same = sa.and_(*(theirs == mine for mine, theirs in pairs))
    found: Query = sa.select(sa.literal_column("1")).select_from(way.target.sql).where(same, condition)
    return found.correlate_except(way.target.sql).exists()


def _count(dump: Dump, of: sa.FromClause, condition: Predicate) -> int:
    return int(dump.ask(sa.select(sa.func.count()).select_from(of).where(condition))[0][0])


def _ways(choice: Choice, source: Source, table: ChosenTable) -> Iterator[_Way]:
    """The server's foreign keys, then what the facts say, then what columns are called: each pair of them once."""
    seen = set()
    for way in (*_guarded(source, table), *_declared(source, table), *_called(source, table)):
        known = (way.columns, way.target.name)
        inside = way.target.name in choice.tables and set(way.columns) <= set(table.columns)
        if inside and known not in seen:
            seen.add(known)
            yield way


def _guarded(source: Source, table: ChosenTable) -> Iterator[_Way]:
    for link in source.home.database.links():
        if link.child == table.name and link.parent in source.home.declared:
            yield _Way(link.columns, link.keys, source.home.table(link.parent).aliased())


def _declared(source: Source, table: ChosenTable) -> Iterator[_Way]:
    child, path = source.home.table(table.name), table.declared.tenant
    if path is not None and path.column is not None:
        if path.parent and source.home.has(path.parent):
            yield _Way((path.column,), (path.key,), parent(child, path.parent))
        for kinds, target in owners_of(child):
            yield _Way((path.column,), (path.key,), target, kinds)
    for column, owned in table.declared.references.items():
        for kinds, target in named_by(child, owned.kind, owned.owners):
            yield _Way((column,), (target.table.key[0],), target, kinds if owned.kind else None)


def _called(source: Source, table: ChosenTable) -> Iterator[_Way]:
    child = source.home.table(table.name)
    for name, declaration in source.home.declared.items():
        key, column = declaration.category.tables[name].key, named_after(name, child)
        if column is not None and len(key) == 1 and source.home.has(name):
            yield _Way((column,), key, parent(child, name))


def leads_inside(choice: Choice, source: Source, name: str) -> bool:
    """Whether the rows of a table lead to the tenant by tables of the archive alone, so that a copy can tell.

    A log of what we record, or a table of tokens, may own rows of a table that is exported, and is left out itself.
    """
    path = source.home.declared[name].category.tables[name].tenant
    if path is None or path.column is None:
        return False
    over = {path.parent, *path.owners.values()} - {None, name}
    return all(
        one in choice.tables and leads_inside(choice, source, one)
        for one in over
        if one is not None and source.home.has(one)
    )


def foreign_rows(choice: Choice, source: Source, name: str) -> Query:
    """In a copy of the archive: how many rows of a table do not lead to the tenant."""
    table = source.home.table(name)
    ours = where(OfTenant(choice.tenant), table)
    return sa.select(sa.func.count()).select_from(table.sql).where(sa.case((ours, sa.false()), else_=sa.true()))
