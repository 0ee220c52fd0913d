"""What a detector is: a named question put to a column, answered with row numbers only.

A finding that carried the text it found would copy the very data a policy forbids into reports,
ledgers and logs; a finding here can hold nothing but a place, a kind and a detector's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from genuka_pipelines.catalog.value import Words
from genuka_pipelines.quality.detectors.gate import Gate

if TYPE_CHECKING:
    import pyarrow as pa

Form = Literal["text", "json", "file_name", "hash"]
"""Where a value comes from: free text, a JSON document as text, a file's name, a hash column."""

TEXTS: frozenset[Form] = frozenset({"text", "json"})
NAMES_TOO: frozenset[Form] = frozenset({"text", "json", "file_name"})

Batch: TypeAlias = "Iterable[str | None] | pa.Array | pa.ChunkedArray"
"""A column's values, as Python or as Arrow text."""


class Finding(NamedTuple):
    """Row `row` (from 0) of the batch holds `kind`, says `detector`. Never any part of the value."""

    row: int
    kind: str
    detector: str


@dataclass(frozen=True, slots=True)
class Detector:
    """One question put to every value of a column.

    `gate` lets through the raw values worth reading; `reads` undoes their disguise (escapes, accents,
    widths) and `flags` decides on what was read. `by_default` is false for what no clause names: it
    runs only when asked for by its own kind or id.
    """

    id: str
    kind: str
    title: Words
    applies_to: frozenset[Form]
    gate: Gate
    reads: Callable[[str], str] = field(repr=False)
    flags: Callable[[str], bool] = field(repr=False)
    by_default: bool = True

    def scan(self, values: Batch) -> list[Finding]:
        """One finding for each row that holds it, in row order; `None` is never found."""
        from genuka_pipelines.quality.detectors.batch import find

        return find(values, (self,))
