"""The one predicate of a selection on a table; whatever counts, streams or destroys rows asks here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

import sqlalchemy as sa

from genuka_pipelines.rows.above import along
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.due import due, rules_of
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.path import Predicate, any_of, is_not_true, never, of_tenants
from genuka_pipelines.rows.selection import (
    AnyOf,
    Due,
    Everything,
    Hold,
    Listed,
    OfCategory,
    OfPerson,
    OfTenants,
    Rows,
    Selection,
)
from genuka_pipelines.systems.column_types import as_text, kind_of

UNIT = "\x1f"
"""Between the table and the parts of the key in the text whose keyed hash names a row."""


def where(selection: Selection, table: DeclaredTable) -> Predicate:
    """The rows of a table that a selection asks for.

    Raises UnfitColumn, MissingColumn or NoWayBetween where the declaration cannot be computed. In a
    dedicated database it may ask the shared one about the tenant.
    """
    match selection:
        case Everything():
            return sa.true()
        case Due(rule=rule, as_of=as_of):
            rules = rules_of(table).values() if rule is None else [rule]
            return any_of(due(table, one, as_of) for one in rules)
        case OfTenants():
            return _of_tenants(selection, table)
        case OfPerson(keys=keys):
            roles = ((table.column(column), keys.get(kind, ())) for kind, column in table.table.subject.items())
            return any_of(_among(column, values) for column, values in roles if values)
        case Listed():
            dialect = table.home.database.dialect
            keyed = dialect.hmac_sha256(row_text(table), selection.ipad, selection.opad)
            return keyed.in_(sorted(selection.hashes))
        case Rows(table=name, keys=keys):
            return _by_keys(table, sorted(keys)) if name == table.name else sa.false()
        case OfCategory(key=key):
            return sa.true() if table.home.declared[table.name].key == key else sa.false()
        case AnyOf(parts=parts):
            return any_of(where(part, table) for part in parts)
        case _:
            assert_never(selection)


def held(table: DeclaredTable, holds: Sequence[Hold], passed: frozenset[str] = frozenset()) -> Predicate:
    """Rows under any of the holds, and whatever ends with a row that is."""
    if not holds:
        return sa.false()
    own = [where(hold.selection, table) for hold in holds]
    return any_of([*own, *along(table, passed, lambda way, seen: held(way.target, holds, seen))])


def keys_where(table: DeclaredTable, predicate: Predicate, limit: int | None = None) -> list[tuple[str, ...]]:
    """The keys, each the parts of a key as text, of the rows that satisfy a predicate: a few, in no order."""
    if never(predicate):
        return []
    asked = sa.select(*(as_text(table.column(part)) for part in table.table.key)).select_from(table.sql)
    return [tuple(row) for row in table.home.database.rows(asked.where(predicate).limit(limit))]


def row_text(table: DeclaredTable) -> sa.ColumnElement[str]:
    """`<table>␟<key>␟…`, the text whose keyed hash names a row in ledgers, reviews and erasure lists.

    NULL where a part of the key is, on every server: such a row has no name, and no list may mean it.
    Raises MissingColumn, or UnfitColumn for a key of another kind.
    """
    text: sa.ColumnElement[str] = sa.literal(table.name, sa.Text)
    for name in table.table.key:
        column, kind = table.column(name), table.kind(name)
        if kind not in ("text", "integer"):
            raise UnfitColumn(table.name, name, kind, "text or a whole number, as every key")
        text = text.concat(sa.literal(UNIT, sa.Text)).concat(as_text(column))
    return text


def _by_keys(table: DeclaredTable, keys: Sequence[tuple[str, ...]]) -> Predicate:
    columns = [table.column(name) for name in table.table.key]
    named = [key for key in keys if len(key) == len(columns)]
    if len(columns) == 1:
        return _among(columns[0], [key[0] for key in named])
    return any_of(
        sa.and_(*(_among(column, [part]) for column, part in zip(columns, key, strict=True))) for key in named
    )


def _of_tenants(selection: OfTenants, table: DeclaredTable) -> Predicate:
    if table.home.tenant is not None:
        return sa.true() if table.home.tenant in selection.tenants else sa.false()
    theirs = of_tenants(table, lambda column: _among(column, sorted(selection.tenants)))
    if not selection.orphans:
        return theirs
    return theirs | is_not_true(of_tenants(table, lambda column: column.is_not(None)))


def _among(column: sa.ColumnElement[Any], values: Sequence[str]) -> Predicate:
    """Compared as the column holds them where it is text, so that its index serves; else as text."""
    return (column if kind_of(column) == "text" else as_text(column)).in_(values)
