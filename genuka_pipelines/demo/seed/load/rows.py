"""Chunks as the tab-separated text that COPY and LOAD DATA both read by default.

Null is `\\N`; backslash, tab, newline and carriage return are escaped by a backslash. An escape
forgotten here would shift every later column of a row without an error on MySQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Table

from genuka_pipelines.demo.seed.arrays import Array
from genuka_pipelines.demo.seed.chunks import Chunk

NULL = "\\N"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows ready to be sent: which table, how many, which columns, and their text."""

    database: str
    table: Table
    count: int
    columns: tuple[str, ...]
    text: memoryview


def rows_of(chunk: Chunk, table: Table) -> Rows:
    """The text of a chunk; a column the table lacks is a defect and raises `KeyError`."""
    held = {name: values for name, values in chunk.columns.items() if values is not None}
    for name in held:
        table.columns[name]
    names = tuple(column.name for column in table.columns if column.name in held)
    columns = [_text(held[name]) for name in names]
    joined = pc.binary_join_element_wise(*columns, "\t", null_handling="replace", null_replacement=NULL)
    lines = pc.binary_join_element_wise(joined, "", "\n")
    text = memoryview(lines.buffers()[2] or b"")
    return Rows(chunk.database, table, chunk.rows, names, text)


def _text(values: Any) -> Array | str:
    if isinstance(values, str | int):
        return _escaped_word(str(values))
    if isinstance(values, np.ndarray):
        values = pa.array(values)
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "1", "0")
    return _escaped(values) if pa.types.is_string(values.type) else pc.cast(values, pa.string())


def _escaped_word(word: str) -> str:
    for found, written in _ESCAPES:
        word = word.replace(found, written)
    return word


def _escaped(values: Array) -> Array:
    data = values.buffers()[2]
    if data is None:
        return values
    # Two passes over the bytes are far cheaper than looking for four characters in every string.
    seen = np.frombuffer(data, dtype=np.uint8)
    if not len(seen) or (seen.min() >= 32 and not (seen == 92).any()):
        return values
    for found, written in _ESCAPES:
        values = pc.replace_substring(values, found, written)
    return values
