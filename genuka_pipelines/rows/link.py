"""How a table's rows reach those of another: the way by which a rule reads another table's dates.

"Four months after the subscription ends" is a date in one table and rows in forty; a rule that only
knew its own columns could not be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.links.endings import keys_of
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

Told = Callable[[Condition], Predicate]
Valued = Callable[[Callable[[DeclaredTable], sa.ColumnElement[Any]]], sa.ColumnElement[Any]]


@dataclass(frozen=True)
class Link:
    """How rows of one table reach those of another: `every(condition)` says that a row reaches some, and
    that each of them satisfies it; `value(expression)` is the latest of their values.

    Where a row may reach several, `any_of_several` says that one of them satisfies a condition, and
    `first_of_several` is the earliest of their values.
    """

    target: DeclaredTable
    every: Told
    value: Valued
    any_of_several: Told | None = None
    first_of_several: Valued | None = None

    @property
    def some(self) -> Told:
        """A row reaches one that satisfies a condition."""
        return self.any_of_several or self.every

    @property
    def first(self) -> Valued:
        """The earliest value."""
        return self.first_of_several or self.value

    @property
    def several(self) -> bool:
        """Whether a row may reach several."""
        return self.any_of_several is not None


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
    found = _upward(table, target) or _downward(table, target) or through_tenant(table, target)
    if found is None:
        raise NoWayBetween(table.name, other)
    return found


@dataclass(frozen=True, eq=False)
class Naming:
    """How a row of a table names one row of the target: `column` of its own, where `kinds` holds, is `key` there."""

    table: DeclaredTable
    target: DeclaredTable
    column: str
    key: str
    kinds: Predicate | None = None

    def link(self) -> Link:
        """The way there."""
        own, kinds = self.table.column(self.column), self.kinds

        def every(condition: Condition) -> Predicate:
            found = row_in(own, self.target, self.key, condition)
            return found if kinds is None else kinds & found

        def value(expression: Callable[[DeclaredTable], sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
            found = value_of(own, self.target, self.key, expression)
            return found if kinds is None else sa.case((kinds, found))

        return Link(self.target, every, value)

    def names(self, target: DeclaredTable) -> Predicate:
        """That a row of the table names a row of `target`, by the table's own index."""
        theirs, mine = self.table.home.database.dialect.alike(target.column(self.key), self.table.column(self.column))
        same: Predicate = mine == theirs
        return same if self.kinds is None else self.kinds & same


def naming(table: DeclaredTable, target: DeclaredTable) -> Naming | None:
    """By its tenant path, as its owner, by `<singular>_id`, or by a declared reference; None where none is named."""
    path = table.table.tenant
    if path and path.column and target.name in path.owners.values():
        kinds = next((kinds for kinds, owner in owners_of(table) if owner.name == target.name), sa.false())
        return Naming(table, target, path.column, path.key, kinds)
    if path and path.column and path.parent == target.name:
        column, key = path.column, path.key
    else:
        column, key = named_after(target.name, table) or _referring(table, target.name), target.table.key[0]
    return Naming(table, target, column, key) if column and len(target.table.key) == 1 else None


def linked(table: DeclaredTable, other: str) -> Link | None:
    """The way to a parent that a table is kept with; None where its rows name none."""
    return _upward(table, parent(table, other)) or through_tenant(table, parent(table, other))


def _upward(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    found = naming(table, target)
    return found.link() if found else None


def _downward(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """Rows of the target name a row of this table by `<singular>_id`."""
    column = named_after(table.name, target)
    if column is None or len(table.table.key) > 1:
        return None
    own = table.column(table.table.key[0])
    return _to_several(target, column, lambda said: said(own), lambda: own)


def carries_tenant(table: DeclaredTable, target: DeclaredTable) -> str | None:
    """The column by which a target carries the tenant's key, where a table's rows know their tenant."""
    path = target.table.tenant
    if table.table.tenant is None or path is None or path.column is None or path.parent or path.owners:
        return None
    return path.column


def through_tenant(table: DeclaredTable, target: DeclaredTable) -> Link | None:
    """Rows of the same tenant; only tables that carry the tenant's key can be asked about it."""
    column = carries_tenant(table, target)
    if column is None:
        return None
    return _to_several(target, column, lambda said: of_tenants(table, said), lambda: tenant_of(table))


def _to_several(
    target: DeclaredTable,
    column: str,
    of: Callable[[Callable[[sa.ColumnElement[Any]], Predicate]], Predicate],
    own: Callable[[], sa.ColumnElement[Any]],
) -> Link:
    """Rows of the target whose `column` is what `own` gives, of which `of` tells something."""
    if target.table.key == (column,):
        return Link(
            target,
            lambda condition: of(lambda mine: row_in(mine, target, column, condition)),
            lambda expression: value_of(own(), target, column, expression),
        )
    return Link(
        target,
        lambda condition: of(lambda mine: _every(mine, target, column, condition)),
        lambda expression: value_of(own(), target, column, expression),
        lambda condition: of(lambda mine: row_in(mine, target, column, condition)),
        lambda expression: value_of(own(), target, column, expression, sa.func.min),
    )


def _from_shared(target: DeclaredTable, tenant: str) -> Link:
    """What the shared database says of one tenant, asked now and taken as a constant."""
    database = target.home.database
    mine = of_tenants(target, lambda column: column == sa.literal(tenant, column.type))

    def counted(condition: Condition) -> tuple[int, int]:
        matching = sa.func.count(sa.case((condition(target), 1)))
        rows, fulfilled = database.rows(sa.select(sa.func.count(), matching).select_from(target.sql).where(mine))[0]
        return rows, fulfilled

    def every(condition: Condition) -> Predicate:
        rows, fulfilled = counted(condition)
        return sa.true() if 0 < rows == fulfilled else sa.false()

    def some(condition: Condition) -> Predicate:
        return sa.true() if counted(condition)[1] else sa.false()

    def picked(pick: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]) -> Valued:
        def value(expression: Callable[[DeclaredTable], sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
            wanted = expression(target)
            found = sa.type_coerce(pick(wanted), wanted.type)
            return sa.literal(database.scalar(sa.select(found).select_from(target.sql).where(mine)), wanted.type)

        return value

    return Link(target, every, picked(sa.func.max), some, picked(sa.func.min))


def named_after(table: str, other: DeclaredTable) -> str | None:
    """The column of `other` called after a table: `order_id` for orders, `company_id` for companies."""
    return next((column for column in keys_of(table) if column in other.table.columns), None)


def _referring(table: DeclaredTable, other: str) -> str:
    """The column that is declared to name rows of another table, and of no other; empty where there is none."""
    declared = table.table.references.items()
    return next((column for column, owned in declared if not owned.kind and other in owned.owners.values()), "")


def _every(own: sa.ColumnElement[Any], target: DeclaredTable, key: str, condition: Condition) -> Predicate:
    """The column names rows of the target, and none of them fails the condition."""
    some = row_in(own, target, key, lambda _: sa.true())
    return some & ~row_in(own, target, key, lambda row: is_not_true(condition(row)))
