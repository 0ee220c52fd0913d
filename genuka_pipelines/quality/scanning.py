"""Looks for forbidden values in every text of a table, without carrying any of them further than it must.

The database itself picks the candidates with the detectors' shared expression; only those are read
here, and only their keyed reference, column and kind leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.quality.detectors import detectors, find, prefilter
from genuka_pipelines.systems.column_types import as_text, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.catalog.table import Table
    from genuka_pipelines.keys import HmacKey
    from genuka_pipelines.quality.detectors import Detector, Form
    from genuka_pipelines.systems.database import Database

_SHORTEST = 2_000


@dataclass(frozen=True)
class Hit:
    """One column of one row that holds what it must not: `row` is a keyed hash of the row's key."""

    table: str
    column: str
    row: str
    detector: str


def scan_table(
    database: Database,
    name: str,
    declared: Table,
    family: str,
    key: HmacKey,
    *,
    columns: Sequence[str] | None = None,
    within: sa.ColumnElement[bool] | None = None,
) -> Iterator[Hit]:
    """Every hit of a family of detectors in the texts of a table, or in the columns named."""
    table = database.table(name)
    forms = {
        column: form
        for column in columns or declared.columns
        if column in table.c and (form := _form(table.c[column], column, family)) is not None
    }
    for form in sorted(set(forms.values())):
        wanted = [d for d in detectors(family) if form in d.applies_to]
        named = [column for column, its in forms.items() if its == form]
        yield from _scan(database, table, declared, named, wanted, key, within)


def _scan(
    database: Database,
    table: sa.Table,
    declared: Table,
    columns: Sequence[str],
    wanted: Sequence[Detector],
    key: HmacKey,
    within: sa.ColumnElement[bool] | None,
) -> Iterator[Hit]:
    if not columns or not wanted:
        return
    texts = {column: as_text(table.c[column]) for column in columns}
    candidate = sa.or_(
        *(text.regexp_match(pattern) for text in texts.values() for pattern in _patterns(wanted, database))
    )
    query = sa.select(
        *(as_text(table.c[part]).label(f"key_{place}") for place, part in enumerate(declared.key)),
        *(text.label(f"text_{place}") for place, text in enumerate(texts.values())),
    ).where(candidate)
    if within is not None:
        query = query.where(within)
    for batch in database.stream(query, batch_rows=_SHORTEST):
        keys = [batch.column(place).to_pylist() for place in range(len(declared.key))]
        for place, column in enumerate(columns, len(declared.key)):
            for found in find(batch.column(place), wanted):
                parts = "\x1f".join(str(part[found.row]) for part in keys)
                row = key.hex(f"{table.name}\x1f{parts}".encode())
                yield Hit(table.name, column, row, found.detector)


def _patterns(wanted: Sequence[Detector], database: Database) -> list[str]:
    server = database.dialect.name
    return list(dict.fromkeys(prefilter(detector.id, server) for detector in wanted))


def _form(column: sa.Column[object], name: str, family: str) -> Form | None:
    if family == "passwords":
        return "hash"
    kind = kind_of(column)
    if kind == "json":
        return "json"
    if kind != "text":
        return None
    return "file_name" if name.endswith("file_name") else "text"
