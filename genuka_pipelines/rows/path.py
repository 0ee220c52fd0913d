"""How a row finds its tenant, and how a table's rows find those of another.

Half of the tables carry no tenant; a tenant's export, erasure or consent that stopped at the column
`company_id` would leave out its order lines and its files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import NoWayBetween
from genuka_pipelines.systems.column_types import as_text, kind_of

Predicate = sa.ColumnElement[bool]
Condition = Callable[[DeclaredTable], Predicate]


def is_not_true(predicate: Predicate) -> Predicate:
    """The opposite of a predicate, unknown counting as no."""
    return sa.case((predicate, sa.false()), else_=sa.true())


def of_tenants(table: DeclaredTable, chosen: Callable[[sa.ColumnElement[Any]], Predicate]) -> Predicate:
    """Rows whose tenant's key satisfies `chosen`: by column, parent row or polymorphic owner."""
    path = table.table.tenant
    if path is None or path.column is None:
        return sa.false()
    if path.parent:
        return _in(table.column(path.column), parent(table, path.parent), path.key, lambda p: of_tenants(p, chosen))
    if path.owners:
        return sa.or_(
            sa.false(),
            *(
                kinds & _in(table.column(path.column), owner, path.key, lambda p: of_tenants(p, chosen))
                for kinds, owner in _owners(table)
            ),
        )
    return chosen(table.column(path.column))


def tenant_of(table: DeclaredTable) -> sa.ColumnElement[Any]:
    """The key of a row's tenant as text, NULL where nothing says it."""
    if table.home.tenant is not None:
        return sa.literal(table.home.tenant, sa.Text)
    path = table.table.tenant
    if path is None or path.column is None:
        return sa.cast(sa.null(), sa.Text)
    own = table.column(path.column)
    if path.parent:
        return _value(own, parent(table, path.parent), path.key, tenant_of)
    if path.owners:
        found = [(kinds, _value(own, owner, path.key, tenant_of)) for kinds, owner in _owners(table)]
        return sa.case(*found)
    return as_text(own)


def parent(table: DeclaredTable, name: str) -> DeclaredTable:
    """Another table of the same database, for use inside a query on this one."""
    return table.home.table(name).aliased()


def _owners(table: DeclaredTable) -> Iterator[tuple[Predicate, DeclaredTable]]:
    """Each owning table, with the predicate that a row's kind names it in any of its spellings."""
    path = table.table.tenant
    if path is None or path.kind is None:
        return
    spellings: dict[str, set[str]] = {}
    for word, owner in path.owners.items():
        spellings.setdefault(owner, set()).update(_spellings(word))
    kind = sa.func.lower(as_text(table.column(path.kind)))
    for owner, words in spellings.items():
        if table.home.has(owner):
            yield kind.in_(sorted(words)), parent(table, owner)


def _spellings(word: str) -> set[str]:
    r"""`App\Models\OrderLine` is also written `orderline` and `order_line`."""
    base = word.rsplit("\\", 1)[-1]
    return {word.lower(), base.lower(), re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", base).lower()}


@dataclass(frozen=True)
class Link:
    """How rows of one table reach those of another: `every(condition)` says that a row reaches some, and
    that each of them satisfies it; `value(expression)` is the latest of their values.
    """

    target: DeclaredTable
    every: Callable[[Condition], Predicate]
    value: Callable[[Callable[[DeclaredTable], sa.ColumnElement[Any]]], sa.ColumnElement[Any]]


def link(table: DeclaredTable, other: str) -> Link:
    """The way from a table to another: itself, its parent or owner, a key by name, a child, or the tenant.

    NoWayBetween where there is none. A dedicated database asks the shared one about its tenant.
    """
    if other == table.name:
        return Link(table, lambda condition: condition(table), lambda expression: expression(table))
    if not table.home.has(other) and table.home.shared is not None and table.home.tenant is not None:
        return _from_shared(table.home.shared.table(other), table.home.tenant)
    target = parent(table, other)
    found = _upward(table, target) or _downward(table, target) or _through_tenant(table, target)
    if found is None:
        raise NoWayBetween(table.name, other)
    return found


def linked(table: DeclaredTable, other: str) -> Link | None:
    """The way to a parent that a table is kept with; None where its rows name none."""
    return _upward(table, parent(table, other)) or _through_tenant(table, parent(table, other))


def _upward(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """A row names one row of the target: by its tenant path, as its owner, or by `<singular>_id`."""
    path = table.table.tenant
    key = target.table.key[0]
    if path and path.column and target.name in path.owners.values():
        own = table.column(path.column)
        (kinds,) = (kinds for kinds, owner in _owners(table) if owner.name == target.name)
        return Link(
            target,
            lambda condition: kinds & _in(own, target, path.key, condition),
            lambda expression: sa.case((kinds, _value(own, target, path.key, expression))),
        )
    if path and path.column and path.parent == target.name:
        column, key = path.column, path.key
    else:
        column = _named_after(target.name, table) or ""
    if not column or len(target.table.key) > 1:
        return None
    own = table.column(column)
    return Link(
        target,
        lambda condition: _in(own, target, key, condition),
        lambda expression: _value(own, target, key, expression),
    )


def _downward(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """Rows of the target name a row of this table by `<singular>_id`."""
    column = _named_after(table.name, target)
    if column is None or len(table.table.key) > 1:
        return None
    own = table.column(table.table.key[0])
    return Link(
        target,
        lambda condition: own.in_(_where_every(target, target.column(column), condition)),
        lambda expression: _value(own, target, column, expression),
    )


def _through_tenant(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """Rows of the same tenant; only tables that carry the tenant's key can be asked about it."""
    path = target.table.tenant
    if table.table.tenant is None or path is None or path.column is None or path.parent or path.owners:
        return None
    column = path.column
    return Link(
        target,
        lambda condition: of_tenants(
            table, lambda tenant: tenant.in_(_where_every(target, target.column(column), condition))
        ),
        lambda expression: _value(tenant_of(table), target, column, expression),
    )


def _from_shared(target: DeclaredTable, tenant: str) -> Link:
    """What the shared database says of one tenant, asked now and taken as a constant."""
    database = target.home.database
    mine = of_tenants(target, lambda column: column == sa.literal(tenant, column.type))

    def every(condition: Condition) -> Predicate:
        matching = sa.func.count(sa.case((condition(target), 1)))
        rows, fulfilled = database.rows(sa.select(sa.func.count(), matching).select_from(target.sql).where(mine))[0]
        return sa.true() if 0 < rows == fulfilled else sa.false()

    def value(expression: Callable[[DeclaredTable], sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        wanted = expression(target)
        latest = sa.type_coerce(sa.func.max(wanted), wanted.type)
        return sa.literal(database.scalar(sa.select(latest).select_from(target.sql).where(mine)), wanted.type)

    return Link(target, every, value)


def _named_after(table: str, other: DeclaredTable) -> str | None:
    """The column of `other` that is called after a table: `order_id` for orders, `company_id` for companies."""
    stems = [table.removesuffix("ies") + "y"] if table.endswith("ies") else []
    stems += [table.removesuffix("es"), table.removesuffix("s"), table]
    return next((f"{stem}_id" for stem in stems if f"{stem}_id" in other.table.columns), None)


def _in(own: sa.ColumnElement[Any], target: DeclaredTable, key: str, condition: Condition) -> Predicate:
    mine, theirs = _comparable(own, target.column(key))
    return mine.in_(sa.select(theirs).select_from(target.sql).where(condition(target)).correlate(None))


def _where_every(
    target: DeclaredTable, grouped: sa.ColumnElement[Any], condition: Condition
) -> sa.Select[tuple[Any]]:
    """The values of a column whose rows all satisfy a condition."""
    fulfilled = sa.func.count(sa.case((condition(target), 1)))
    return (
        sa.select(grouped)
        .select_from(target.sql)
        .where(grouped.is_not(None))
        .group_by(grouped)
        .having(sa.func.count() == fulfilled)
        .correlate(None)
    )


def _value(
    own: sa.ColumnElement[Any],
    target: DeclaredTable,
    key: str,
    expression: Callable[[DeclaredTable], sa.ColumnElement[Any]],
) -> sa.ColumnElement[Any]:
    mine, theirs = _comparable(own, target.column(key))
    wanted = expression(target)
    latest = sa.type_coerce(sa.func.max(wanted), wanted.type)
    return sa.select(latest).select_from(target.sql).where(theirs == mine).scalar_subquery()


def _comparable(
    one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    return (one, other) if kind_of(one) == kind_of(other) else (as_text(one), as_text(other))
