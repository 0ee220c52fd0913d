"""Reads a column in batches: RE2 finds the few values that Python must look at.

Reading every value in Python costs microseconds each, and a nightly scan of millions of rows
would be cut down to a sample; a sample cannot say that there is no card number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.detectors.detector import Batch, Detector, Finding
from genuka_pipelines.quality.detectors.gate import Gate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Mask = npt.NDArray[np.bool_]


class UnreadableBatch(GenukaError):
    """A batch holds something other than text: its rows would go unread."""


def find(values: Batch, detectors: Iterable[Detector]) -> list[Finding]:
    """Every finding of `detectors` in `values`, by row, then in the detectors' order.

    `values` are a sequence of text and `None`, or Arrow text. Raises `UnreadableBatch`, which names
    the row and never its content.
    """
    column = _Column(values)
    found = [
        (row, rank, detector)
        for rank, detector in enumerate(dict.fromkeys(detectors))
        for row in column.past(detector.gate).nonzero()[0].tolist()
        if detector.flags(column.read(row, detector))
    ]
    found.sort(key=lambda one: one[:2])
    return [Finding(row, detector.kind, detector.id) for row, _, detector in found]


class _Column:
    """A column, what of it was matched, and what of it was read: each done once for all detectors."""

    def __init__(self, values: Batch) -> None:
        self._texts = _arrow(values)
        self._matched: dict[tuple[str, ...], Mask] = {}
        self._read: dict[tuple[Any, int], str] = {}

    def past(self, gate: Gate) -> Mask:
        """Which values `gate` lets through."""
        import numpy as np

        through = np.zeros(len(self._texts), dtype=bool)
        for way in gate.ways:
            through |= self._along(tuple(gate.local(pattern) for pattern in way))
        if gate.inverted:
            through = ~through & self._texts.is_valid().to_numpy(zero_copy_only=False)
        return through

    def read(self, row: int, detector: Detector) -> str:
        """The value of `row` as `detector` reads it."""
        key = (detector.reads, row)
        if key not in self._read:
            self._read[key] = detector.reads(self._texts[row].as_py())
        return self._read[key]

    def _along(self, way: tuple[str, ...]) -> Mask:
        """Which values every pattern of `way` is found in: each is sought only where those before it were."""
        if way not in self._matched:
            found = _matching(self._texts, way[0])
            for pattern in way[1:]:
                left = found.nonzero()[0]
                if len(left):
                    found[left] = _matching(self._texts.take(left), pattern)
            self._matched[way] = found
        return self._matched[way]


def _matching(texts: pa.LargeStringArray, pattern: str) -> Mask:
    import pyarrow.compute as pc

    hit = pc.match_substring_regex(texts, pattern=pattern).fill_null(False)
    return hit.to_numpy(zero_copy_only=False).copy()  # type: ignore[no-any-return]


def _arrow(values: Batch) -> pa.LargeStringArray:
    import pyarrow as pa

    if isinstance(values, str):
        raise UnreadableBatch("the batch is one text, a sequence of texts was expected")
    if not isinstance(values, Sequence | pa.Array | pa.ChunkedArray):
        values = list(values)
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        # Arrow's own message would quote the value: it is not even kept as the context of ours.
        with suppress(pa.ArrowException, UnicodeEncodeError, TypeError, ValueError):
            values = pa.array(values)
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        values = pa.array([_text(row, value) for row, value in enumerate(values)], pa.large_string())
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    if not (_is_text(values.type) or pa.types.is_null(values.type)):
        raise UnreadableBatch(f"the batch holds Arrow {values.type}, text was expected")
    return values.cast(pa.large_string())


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _text(row: int, value: object) -> str | None:
    """A text that Arrow accepts: a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnreadableBatch(f"row {row} of the batch holds {type(value).__name__}, text was expected")
    return value.encode("utf-8", "replace").decode("utf-8")
