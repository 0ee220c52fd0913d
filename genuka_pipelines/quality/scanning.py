"""Looks for forbidden values in every text of a table, without carrying any of them further than it must.

Texts are streamed in batches and judged here in one pass of RE2: a server's own regular expressions were
measured to be some hundred times slower. Only a keyed reference, a column and a kind are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.quality.detectors import detectors, find
from genuka_pipelines.rows.where import row_text
from genuka_pipelines.systems.column_types import as_text

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.keys import HmacKey
    from genuka_pipelines.quality.detectors import Detector, Form
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.path import Predicate

_BYTES = 32 << 20
"""How much is judged at once: each judging first compiles every expression, 10 ms for the special categories."""


@dataclass(frozen=True)
class Hit:
    """One column of one row that holds what it must not: `row` is the keyed hash by which lists name it."""

    table: str
    column: str
    row: str
    detector: str


def scan_table(
    table: DeclaredTable,
    family: str,
    key: HmacKey,
    *,
    columns: Collection[str] | None = None,
    within: Predicate | None = None,
) -> Iterator[Hit]:
    """Every hit of a family of detectors in the texts of a table, or in the columns named; one bulk read.

    A declared column that is not there is passed over: that it is missing is another question's answer.
    """
    sought = _sought(table, family, table.table.columns if columns is None else columns)
    if not sought:
        return
    texts = (as_text(table.column(column)).label(f"text_{place}") for place, column in enumerate(sought))
    query = sa.select(row_text(table).label("row"), *texts).select_from(table.sql)
    if within is not None:
        query = query.where(within)
    for batch in _gathered(table.home.database.stream(query)):
        rows, *values = batch.columns
        for (column, wanted), texts_of_column in zip(sought.items(), values, strict=True):
            for place, detector in _hits(texts_of_column, wanted):
                # A row that nothing names, as its key is NULL, is still a hit: of the table alone.
                row = key.hex((rows[place].as_py() or table.name).encode())
                yield Hit(table.name, column, row, detector)


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in fewer batches, of `_BYTES` or a little more."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.nbytes for one in held) >= _BYTES:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def _sought(table: DeclaredTable, family: str, columns: Collection[str]) -> Mapping[str, tuple[Detector, ...]]:
    """By column, the detectors of the family that can read what it holds; only columns with any."""
    every = detectors(family)
    forms = {column: _form(table, column, family) for column in columns if column in table.sql.c}
    sought = {column: tuple(one for one in every if form in one.applies_to) for column, form in forms.items()}
    return {column: wanted for column, wanted in sought.items() if wanted}


def _form(table: DeclaredTable, column: str, family: str) -> Form | None:
    if family == "passwords":
        return "hash"
    kind = table.kind(column)
    if kind == "json":
        return "json"
    if kind != "text":
        return None
    return "file_name" if column.endswith("file_name") else "text"


def _hits(texts: pa.Array, wanted: Sequence[Detector]) -> Iterator[tuple[int, str]]:
    """(row, detector) of every hit; each distinct value is judged once, as most columns repeat theirs."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = texts.dictionary_encode()
    found: dict[int, list[str]] = defaultdict(list)
    for one in find(told.dictionary, wanted):
        found[one.row].append(one.detector)
    if not found:
        return
    for row in pc.indices_nonzero(pc.is_in(told.indices, value_set=pa.array(found, pa.int32()))).to_pylist():
        for detector in found[told.indices[row].as_py()]:
            yield row, detector
