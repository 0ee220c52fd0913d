"""Reads a column in batches: one pass of RE2 finds the few values that Python must look at.

Reading every value in Python costs microseconds each, and a nightly scan of millions of rows
would be cut down to a sample; a sample cannot say that there is no card number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.detectors.detector import Batch, Detector, Finding
from genuka_pipelines.quality.detectors.gate import Gate, either

if TYPE_CHECKING:
    import pyarrow as pa


class UnreadableBatch(GenukaError):
    """A batch holds something other than text: its rows would go unread."""


def find(values: Batch, detectors: Iterable[Detector]) -> list[Finding]:
    """Every finding of `detectors` in `values`, by row, then in the detectors' order.

    `values` are a sequence of text and `None`, or Arrow text. Raises `UnreadableBatch`, which names
    the row and never its content.
    """
    wanted = list(dict.fromkeys(detectors))
    column = _column(values)
    found = [
        (row, rank, detector)
        for group in _alike(wanted)
        for row, detector in _found(column, group)
        for rank in (wanted.index(detector),)
    ]
    found.sort(key=lambda one: one[:2])
    return [Finding(row, detector.kind, detector.id) for row, _, detector in found]


def _alike(detectors: list[Detector]) -> Iterator[list[Detector]]:
    """Detectors that read a value the same way and can share a gate, so that it is read once."""

    def manner(detector: Detector) -> tuple[int, bool, bool]:
        return id(detector.reads), detector.gate.any_case, detector.gate.inverted

    for key, group in groupby(sorted(detectors, key=manner), key=manner):
        alike = list(group)
        yield from ([one] for one in alike) if key[2] else [alike]


def _found(column: pa.LargeStringArray, detectors: list[Detector]) -> Iterator[tuple[int, Detector]]:
    import numpy as np

    rows = _past(column, either(tuple(detector.gate for detector in detectors)))
    if not len(rows):
        return
    few = column.take(rows)
    texts = few.to_pylist()
    read: dict[int, str] = {}
    for detector in detectors:
        # Its own gate too: what a detector finds may not depend on which others run beside it.
        for at in np.arange(len(texts)) if len(detectors) == 1 else _past(few, detector.gate):
            if at not in read:
                read[at] = detector.reads(texts[at])
            if detector.flags(read[at]):
                yield int(rows[at]), detector


def _past(column: pa.LargeStringArray, gate: Gate) -> Sequence[int]:
    """The places of the values that `gate` lets through, as an array of integers."""
    import pyarrow.compute as pc

    hit = pc.match_substring_regex(column, pattern=gate.here())
    if gate.inverted:
        hit = pc.invert(hit)
    return pc.indices_nonzero(hit.fill_null(False)).to_numpy()  # type: ignore[no-any-return]


def _column(values: Batch) -> pa.LargeStringArray:
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        if isinstance(values, pa.DictionaryArray):
            values = values.dictionary_decode()
        if not (_is_text(values.type) or pa.types.is_null(values.type)):
            raise UnreadableBatch(f"the batch holds Arrow {values.type}, text was expected")
        return values.cast(pa.large_string())
    try:
        return pa.array(values, pa.large_string())
    except (pa.ArrowException, UnicodeEncodeError, TypeError, ValueError):
        # Arrow's own message would quote the value.
        pass
    return pa.array([_text(row, value) for row, value in enumerate(values)], pa.large_string())


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _text(row: int, value: object) -> str | None:
    """A text that Arrow accepts: a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnreadableBatch(f"row {row} of the batch holds {type(value).__name__}, text was expected")
    return value.encode("utf-8", "replace").decode("utf-8")
