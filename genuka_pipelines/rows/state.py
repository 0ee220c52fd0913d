"""The state a row must be in, as a predicate: `{status: [hired, offer], left_at: absent}`.

Enums arrive in mixed case (`PRODUCTS`, `products`); a comparison that minded would miss rows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.state import State
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.link import link
from genuka_pipelines.rows.path import Predicate
from genuka_pipelines.systems.column_types import as_text

_EMPTY_JSON = ("", "[]", "{}", "null")


def in_state(table: DeclaredTable, state: State) -> Predicate:
    """Rows in which every line of the state holds; each row, for no lines.

    A line on another table's column holds where the row reaches rows of that table, and it holds in each.
    """
    return sa.and_(sa.true(), *(_reached(table, column, wanted) for column, wanted in state.items()))


def has_value(table: DeclaredTable, name: str) -> Predicate:
    """The column has a value: not NULL, not an empty text, not an empty JSON document."""
    column, kind = table.column(name), table.kind(name)
    if kind == "json":
        return column.is_not(None) & as_text(column).not_in(_EMPTY_JSON)
    if kind == "text":
        return column.is_not(None) & (as_text(column) != "")
    return column.is_not(None)


def _reached(table: DeclaredTable, reference: str, wanted: bool | int | str | tuple[str, ...]) -> Predicate:
    other, _, column = reference.rpartition(".")
    if not other:
        return _line(table, column, wanted)
    return link(table, other).every(lambda target: _line(target, column, wanted))


def _line(table: DeclaredTable, name: str, wanted: bool | int | str | tuple[str, ...]) -> Predicate:
    column, kind = table.column(name), table.kind(name)
    if isinstance(wanted, bool):
        if kind == "integer":
            return column != 0 if wanted else column == 0
        if kind != "boolean":
            raise UnfitColumn(table.name, name, kind, "yes or no")
        return column.is_(sa.true() if wanted else sa.false())
    if isinstance(wanted, int):
        if kind == "boolean":
            return column.is_(sa.true() if wanted else sa.false())
        return column == wanted if kind == "integer" else as_text(column) == str(wanted)
    return sa.or_(*(_word(table, name, column, word) for word in ((wanted,) if isinstance(wanted, str) else wanted)))


def _word(table: DeclaredTable, name: str, column: sa.ColumnElement[Any], word: str) -> Predicate:
    if word == "present":
        return has_value(table, name)
    if word == "absent":
        return ~has_value(table, name)
    return sa.func.lower(as_text(column)) == word.lower()
