"""What of a row is blanked when it is anonymised in place, and whether anything is left to blank.

The question that counts a row as due is asked of the very columns that are blanked; otherwise a row
would be anonymised every night, or one that the application filled again never.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.table import own_column
from genuka_pipelines.catalog.vocabulary import is_personal
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.link import named_after
from genuka_pipelines.rows.path import Predicate, any_of
from genuka_pipelines.systems.column_types import as_text

MARK = "anon-"
"""How an opaque value begins, so that it is known without the key that made it."""
_EMPTY: Mapping[str, str] = {
    "text": "''",
    "json": "'{}'",
    "integer": "0",
    "decimal": "0",
    "float": "0",
    "boolean": "false",
    "timestamp": "'1970-01-01 00:00:00'",
    "date": "'1970-01-01'",
    "time": "'00:00:00'",
    "bytes": "''",
}
_LEAST = 8
"""Hex digits below which two opaque values would soon be the same."""


def blanked(table: DeclaredTable) -> Mapping[str, str]:
    """Every column that anonymising changes, with `blank` or `opaque`."""
    kept = _kept(table)
    found: dict[str, str] = {}
    for name, column in table.table.columns.items():
        wanted = column.anonymised or ("blank" if is_personal(column.holds) and name not in kept else "keep")
        if wanted != "keep":
            found[name] = wanted
    return found


def not_yet_blank(table: DeclaredTable) -> Predicate:
    """Some column that anonymising changes still says something."""
    return any_of(_says(table, name, way) for name, way in blanked(table).items())


def blank_values(table: DeclaredTable, opaque: Callable[[], sa.ColumnElement[str]]) -> dict[str, Any]:
    """What each blanked column becomes; `opaque` gives 64 hex digits that differ from row to row."""
    found: dict[str, Any] = {}
    for name, way in blanked(table).items():
        if way == "opaque":
            room = _room(table, name)
            found[name] = sa.func.concat(MARK, sa.func.left(opaque(), room - len(MARK)), type_=sa.Text())
        else:
            found[name] = sa.null() if _nullable(table, name) else sa.literal_column(_empty(table, name))
    return found


def _kept(table: DeclaredTable) -> set[str]:
    """Columns by which a row is found, owned and dated: without them it would be kept for ever."""
    declared, path = table.table, table.table.tenant
    kept = {*declared.key}
    kept |= {name for name in (path.column, path.kind) if name} if path else set()
    if declared.kept_with:
        kept.add(named_after(declared.kept_with, table) or "")
    kept |= {column for column, becomes in declared.ends_with.items() if becomes == "delete"}
    kept |= {owned.kind for owned in declared.references.values()}
    for name, declaration in table.home.declared.items():
        for rule in declaration.category.rules_of(name):
            for reference in rule.references:
                owner, _, column = own_column(reference).rpartition(".")
                if (owner or name) == table.name:
                    kept.add(column)
    return kept


def _says(table: DeclaredTable, name: str, way: str) -> Predicate:
    column = table.column(name)
    if way == "opaque":
        _room(table, name)
        return column.is_not(None) & as_text(column).not_like(MARK + "%")
    if _nullable(table, name):
        return column.is_not(None)
    if table.kind(name) == "json":
        return as_text(column) != sa.literal_column(_empty(table, name))
    return column != sa.literal_column(_empty(table, name))


def _nullable(table: DeclaredTable, name: str) -> bool:
    found = table.home.database.table(table.name).c.get(name)
    return found is None or bool(found.nullable)


def _empty(table: DeclaredTable, name: str) -> str:
    kind = table.kind(name)
    if kind not in _EMPTY:
        raise UnfitColumn(table.name, name, kind, "NULL, to be anonymised")
    return _EMPTY[kind]


def _room(table: DeclaredTable, name: str) -> int:
    declared = table.home.database.tables()[table.name].get(name, "")
    found = re.search(r"\((\d+)\)", declared)
    room = min(int(found[1]) if found else 64, len(MARK) + 64)
    if table.kind(name) != "text" or room < len(MARK) + _LEAST:
        raise UnfitColumn(table.name, name, declared, f"text of at least {len(MARK) + _LEAST} characters to be opaque")
    return room
