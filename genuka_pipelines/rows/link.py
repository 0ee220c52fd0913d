"""How a table's rows reach those of another: the way by which a rule reads another table's dates.

"Four months after the subscription ends" is a date in one table and rows in forty; a rule that only
knew its own columns could not be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import NoWayBetween
from genuka_pipelines.rows.path import (
    Condition,
    Predicate,
    is_not_true,
    of_tenants,
    owners_of,
    parent,
    row_in,
    tenant_of,
    value_of,
)


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
    home = table.home
    if home.shared and home.tenant is not None and (other in home.registers or not home.has(other)):
        return _from_shared(home.shared.table(other), home.tenant)
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
        kinds = next(kinds for kinds, owner in owners_of(table) if owner.name == target.name)
        return Link(
            target,
            lambda condition: kinds & row_in(own, target, path.key, condition),
            lambda expression: sa.case((kinds, value_of(own, target, path.key, expression))),
        )
    if path and path.column and path.parent == target.name:
        column, key = path.column, path.key
    else:
        column = named_after(target.name, table) or ""
    if not column or len(target.table.key) > 1:
        return None
    own = table.column(column)
    return Link(
        target,
        lambda condition: row_in(own, target, key, condition),
        lambda expression: value_of(own, target, key, expression),
    )


def _downward(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """Rows of the target name a row of this table by `<singular>_id`."""
    column = named_after(table.name, target)
    if column is None or len(table.table.key) > 1:
        return None
    own = table.column(table.table.key[0])
    return Link(
        target,
        lambda condition: _every(own, target, column, condition),
        lambda expression: value_of(own, target, column, expression),
    )


def _through_tenant(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """Rows of the same tenant; only tables that carry the tenant's key can be asked about it."""
    path = target.table.tenant
    if table.table.tenant is None or path is None or path.column is None or path.parent or path.owners:
        return None
    column = path.column
    return Link(
        target,
        lambda condition: of_tenants(table, lambda tenant: _every(tenant, target, column, condition)),
        lambda expression: value_of(tenant_of(table), target, column, expression),
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


def named_after(table: str, other: DeclaredTable) -> str | None:
    """The column of `other` called after a table: `order_id` for orders, `company_id` for companies."""
    stems = [table.removesuffix("ies") + "y"] if table.endswith("ies") else []
    stems += [table.removesuffix("es"), table.removesuffix("s"), table]
    return next((f"{stem}_id" for stem in stems if f"{stem}_id" in other.table.columns), None)


def _every(own: sa.ColumnElement[Any], target: DeclaredTable, key: str, condition: Condition) -> Predicate:
    """The column names rows of the target, and none of them fails the condition."""
    if target.table.key == (key,):
        return row_in(own, target, key, condition)
    some = row_in(own, target, key, lambda _: sa.true())
    return some & ~row_in(own, target, key, lambda row: is_not_true(condition(row)))
