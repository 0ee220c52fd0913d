"""How a row finds its tenant: by a column, through its parent, or through one of several owners.

Half of the tables carry no tenant; a tenant's export, erasure or consent that stopped at the column
`company_id` would leave out its order lines and its files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList, False_, True_, UnaryExpression

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.systems.column_types import Query, as_text

Predicate = sa.ColumnElement[bool]
Condition = Callable[[DeclaredTable], Predicate]


def is_not_true(predicate: Predicate) -> Predicate:
    """The opposite of a predicate, unknown counting as no."""
    return ~predicate if _two_valued(predicate) else sa.case((predicate, sa.false()), else_=sa.true())


def never(predicate: Predicate) -> bool:
    """Whether a predicate is written as false, so that no server need be asked."""
    return isinstance(predicate, False_)


def any_of(predicates: Iterable[Predicate]) -> Predicate:
    """Any of the predicates; for none a false that `never` knows."""
    found = [one for one in predicates if not never(one)]
    return sa.or_(*found) if found else sa.false()


def but_not(some: Predicate, others: Predicate) -> Predicate:
    """The first without those that are surely of the others."""
    return some if never(some) or never(others) else some & is_not_true(others)


def _two_valued(predicate: object) -> bool:
    """Whether a predicate is never NULL; a plain NOT of it lets the server join instead of looking up."""
    if isinstance(predicate, BooleanClauseList):
        return all(map(_two_valued, predicate.clauses))
    if isinstance(predicate, UnaryExpression) and predicate.operator is operators.inv:
        return _two_valued(predicate.element)
    return isinstance(predicate, sa.Exists | True_ | False_)


def of_tenants(table: DeclaredTable, chosen: Callable[[sa.ColumnElement[Any]], Predicate]) -> Predicate:
    """Rows whose tenant's key satisfies `chosen`: by column, parent row or polymorphic owner."""
    path = table.table.tenant
    if path is None or path.column is None:
        return sa.false()
    if path.parent:
        return row_in(table.column(path.column), parent(table, path.parent), path.key, lambda p: of_tenants(p, chosen))
    if path.owners:
        return any_of(
            kinds & row_in(table.column(path.column), owner, path.key, lambda p: of_tenants(p, chosen))
            for kinds, owner in owners_of(table)
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
        return value_of(own, parent(table, path.parent), path.key, tenant_of)
    if path.owners:
        found = [(kinds, value_of(own, owner, path.key, tenant_of)) for kinds, owner in owners_of(table)]
        return sa.case(*found) if found else sa.cast(sa.null(), sa.Text)
    return table.home.database.dialect.text(own)


def parent(table: DeclaredTable, name: str) -> DeclaredTable:
    """Another table of the same database, for use inside a query on this one."""
    return table.home.table(name).aliased()


def owners_of(table: DeclaredTable) -> Iterator[tuple[Predicate, DeclaredTable]]:
    """Each owning table, with the predicate that a row's kind names it in any of its spellings."""
    path = table.table.tenant
    if path is not None and path.kind is not None:
        yield from named_by(table, path.kind, path.owners)


def named_by(table: DeclaredTable, kind: str, owners: Mapping[str, str]) -> Iterator[tuple[Predicate, DeclaredTable]]:
    """Each table that the column `kind` can name, with the predicate that it does; without a kind, always the one."""
    if not kind:
        yield from ((sa.true(), parent(table, owner)) for owner in owners.values() if table.home.has(owner))
        return
    spellings: dict[str, set[str]] = {}
    for word, owner in owners.items():
        spellings.setdefault(owner, set()).update(_spellings(word))
    said = sa.func.lower(as_text(table.column(kind)))
    for owner, words in spellings.items():
        if table.home.has(owner):
            yield said.in_(sorted(words)), parent(table, owner)


def _spellings(word: str) -> set[str]:
    r"""`App\Models\OrderLine` is also written `orderline` and `order_line`."""
    base = word.rsplit("\\", 1)[-1]
    return {word.lower(), base.lower(), re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", base).lower()}


def row_in(own: sa.ColumnElement[Any], target: DeclaredTable, key: str, condition: Condition) -> Predicate:
    """The column names a row of the target that satisfies a condition.

    EXISTS and not IN: where the target is large, PostgreSQL would search the result of an IN row by row.
    """
    mine, theirs = target.home.database.dialect.alike(own, target.column(key))
    found: Query = sa.select(sa.literal_column("1")).select_from(target.sql).where(theirs == mine, condition(target))
    return found.correlate_except(target.sql).exists()


def value_of(
    own: sa.ColumnElement[Any],
    target: DeclaredTable,
    key: str,
    expression: Callable[[DeclaredTable], sa.ColumnElement[Any]],
    chosen: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]] = sa.func.max,
) -> sa.ColumnElement[Any]:
    """The latest value among the rows of the target that the column names; or the one that `chosen` picks."""
    mine, theirs = target.home.database.dialect.alike(own, target.column(key))
    wanted = expression(target)
    found = sa.select(sa.type_coerce(chosen(wanted), wanted.type)).select_from(target.sql)
    return found.where(theirs == mine).correlate_except(target.sql).scalar_subquery()
