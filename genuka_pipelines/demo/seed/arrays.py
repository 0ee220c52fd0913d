"""Whole columns at once: the few Arrow verbs that every table's maker is written in.

A Python loop over rows would take a minute where these take seconds; kept here so that the makers
read as sentences about Genuka and not about Arrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Array = Any  # pyarrow ships no types: a pyarrow.Array of strings, numbers, booleans or moments
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

EMPTY_LIST = "[]"


def strings(values: Iterable[str | None]) -> Array:
    """A column of these strings."""
    return pa.array(list(values), pa.string())


def documents(values: Iterable[object]) -> Array:
    """A column of these values as JSON texts, emoji and accents kept as they are."""
    return strings(json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values)


def take(values: Array | Sequence[str | None], places: Ints) -> Array:
    """The values at these places."""
    held = values if isinstance(values, pa.Array) else strings(values)
    return held.take(pa.array(places))


def text(numbers: NDArray[Any]) -> Array:
    """Numbers as text."""
    return pc.cast(pa.array(numbers), pa.string())


def constant(value: str | int, length: int) -> Array:
    """One value, repeated."""
    return pa.repeat(pa.scalar(value), length)


def only(values: Array, where: Bools) -> Array:
    """The values, null where the condition fails."""
    return pc.if_else(pa.array(where), values, pa.scalar(None, values.type))


def choose(where: Bools, then: Array | str, otherwise: Array | str) -> Array:
    """One of two columns, row by row."""
    return pc.if_else(pa.array(where), then, otherwise)


def select(which: Ints, options: list[Array]) -> Array:
    """The option of this number, row by row."""
    return pc.choose(pa.array(which), *options)


def join(*parts: Array | str) -> Array:
    """The parts one after another; null where a part is null."""
    return pc.binary_join_element_wise(*parts, "")


def quoted(values: Array) -> Array:
    """Strings as JSON strings, nulls as JSON nulls."""
    escaped = values
    for found, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        escaped = pc.replace_substring(escaped, found, written)
    return pc.fill_null(join('"', escaped, '"'), "null")


def or_null(values: Array) -> Array:
    """JSON texts, with the word null for what is missing."""
    return pc.fill_null(values, "null")


def upper(values: Array) -> Array:
    """Ascii letters in capitals."""
    return pc.ascii_upper(values)


def first_of(*columns: Array) -> Array:
    """The first column's values, the next one's where it has none."""
    return pc.coalesce(*columns)


def joined_rows(tables: list[Array]) -> Array:
    """Columns one below another."""
    return pa.concat_arrays(tables)


def fixed_width(characters: NDArray[np.uint8]) -> Array:
    """A column of ascii strings from a matrix of character codes, one row a string."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters)))
