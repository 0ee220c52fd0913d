"""The one predicate of a selection on a table; whatever counts, streams or destroys rows asks here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.due import due, kept_by_law, rules_of
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.path import Predicate, is_not_true, of_tenants
from genuka_pipelines.rows.selection import Due, Everything, Hold, Listed, OfPerson, OfTenants, Selection
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
            return sa.or_(sa.false(), *(due(table, one, as_of) for one in rules))
        case OfTenants():
            return _of_tenants(selection, table)
        case OfPerson(keys=keys):
            roles = ((table.column(column), keys.get(kind, ())) for kind, column in table.table.subject.items())
            return sa.or_(sa.false(), *(_among(column, values) for column, values in roles if values))
        case Listed():
            dialect = table.home.database.dialect
            keyed = dialect.hmac_sha256(row_text(table), selection.ipad, selection.opad)
            return keyed.in_(sorted(selection.hashes))
        case _:
            assert_never(selection)


def erasable(selection: Selection, table: DeclaredTable, *, as_of: datetime, holds: Sequence[Hold] = ()) -> Predicate:
    """The selected rows that neither a hold nor the law keeps."""
    kept = sa.or_(held(table, holds), by_law(selection, table, as_of))
    return where(selection, table) & is_not_true(kept)


def held(table: DeclaredTable, holds: Sequence[Hold]) -> Predicate:
    """Rows under any of the holds."""
    return sa.or_(sa.false(), *(where(hold.selection, table) for hold in holds))


def by_law(selection: Selection, table: DeclaredTable, as_of: datetime) -> Predicate:
    """Rows that the law keeps: by the selected rule, or by any rule of the table where none is."""
    rules = [selection.rule] if isinstance(selection, Due) and selection.rule else rules_of(table).values()
    return sa.or_(sa.false(), *(kept_by_law(table, rule, as_of) for rule in rules))


def row_text(table: DeclaredTable) -> sa.ColumnElement[str]:
    """`<table>␟<key>␟…`, the text whose keyed hash names a row in ledgers and erasure lists."""
    parts: list[sa.ColumnElement[Any]] = [sa.literal(table.name, sa.Text)]
    for name in table.table.key:
        column, kind = table.column(name), table.kind(name)
        if kind not in ("text", "integer"):
            raise UnfitColumn(table.name, name, kind, "text or a whole number, as every key")
        parts += [sa.literal(UNIT, sa.Text), as_text(column)]
    return sa.func.concat(*parts, type_=sa.Text())


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
