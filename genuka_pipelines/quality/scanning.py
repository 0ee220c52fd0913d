"""Looks for forbidden values in every text of a table, without carrying any of them further than it must.

Texts are streamed in batches and judged here in one pass of RE2: a server's own regular expressions were
measured to be some hundred times slower. Only a keyed reference, a column and a kind are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.quality.detectors import detectors, find
from genuka_pipelines.rows.where import UNIT
from genuka_pipelines.systems.column_types import as_text, kind_of

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.catalog.table import Table
    from genuka_pipelines.keys import HmacKey
    from genuka_pipelines.quality.detectors import Detector, Form
    from genuka_pipelines.systems.database import Database

_BATCH = 100_000


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
    query = sa.select(
        *(as_text(table.c[part]).label(f"key_{place}") for place, part in enumerate(declared.key)),
        *(text.label(f"text_{place}") for place, text in enumerate(texts.values())),
    )
    if within is not None:
        query = query.where(within)
    for batch in database.stream(query, batch_rows=_BATCH):
        for place, column in enumerate(columns, len(declared.key)):
            for place_in_batch, detector in _hits(batch.column(place), wanted):
                parts = UNIT.join(str(batch.column(n)[place_in_batch]) for n in range(len(declared.key)))
                row = key.hex(f"{table.name}{UNIT}{parts}".encode())
                yield Hit(table.name, column, row, detector)


def _hits(column: pa.Array, wanted: Sequence[Detector]) -> Iterator[tuple[int, str]]:
    """(row, detector) of every hit; each distinct value is judged once, as most columns repeat theirs."""
    import pyarrow.compute as pc

    told = column.dictionary_encode()
    for found in find(told.dictionary, wanted):
        for row in pc.indices_nonzero(pc.equal(told.indices, found.row)).to_pylist():
            yield row, found.detector


def _form(column: sa.Column[object], name: str, family: str) -> Form | None:
    if family == "passwords":
        return "hash"
    kind = kind_of(column)
    if kind == "json":
        return "json"
    if kind != "text":
        return None
    return "file_name" if name.endswith("file_name") else "text"
