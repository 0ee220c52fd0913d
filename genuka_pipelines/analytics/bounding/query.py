"""What a release asks of a staged table, all of it known before any row is read.

The keys of cells are public, or found under protection; a key that came from the data unprotected
would itself tell of somebody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import prod

from genuka_pipelines.analytics.errors import TooManyCells
from genuka_pipelines.catalog.published import MOST_CELLS, AnonymisedTable, Dimension, Measure, Privacy

OTHER, UNKNOWN = "other", "unknown"
MOST_BUCKETS = 1_000_000
"""Of quantiles: cells times the ranges of their edges."""


@dataclass(frozen=True)
class Query:
    """One table, one period [begins, ends), the keys of its dimensions (None: private), a secret salt."""

    table: AnonymisedTable
    keys: tuple[tuple[str, ...] | None, ...]
    begins: date
    ends: date
    salt: str = field(repr=False)

    @property
    def private(self) -> bool:
        """Whether the cells themselves are found in the data."""
        return None in self.keys

    @property
    def cells(self) -> int:
        """How many cells the public keys make."""
        return prod(len(keys) for keys in self.keys if keys is not None)

    @property
    def groups(self) -> int:
        """The most cells that one unit counts in."""
        return self.table.groups if self.private else min(self.table.groups, self.cells)


def query_of(table: AnonymisedTable, privacy: Privacy, *, name: str, begins: date, ends: date, salt: str) -> Query:
    """The query of a table for a period. Raises TooManyCells, naming the table, beyond 100,000 cells."""
    query = Query(table, tuple(keys_of(each, privacy) for each in table.dimensions.values()), begins, ends, salt)
    widest = max((buckets(measure) for measure in table.measures.values()), default=1)
    if query.cells > MOST_CELLS or (not query.private and query.cells * widest > MOST_BUCKETS):
        raise TooManyCells(
            f"the keys of {name} make {query.cells} cells of up to {widest} ranges; "
            f"{MOST_CELLS} cells and {MOST_BUCKETS} ranges are the most: list fewer keys"
        )
    return query


def keys_of(dimension: Dimension, privacy: Privacy) -> tuple[str, ...] | None:
    """The public keys of a dimension in their order; None where it is private.

    Edges 1, 5, 10 make `1-4`, `5-9` and `10+`; a number below the first has no cell.
    """
    if dimension.private:
        return None
    if dimension.edges is not None:
        ranges = [f"{low}-{high - 1}" if high - low > 1 else f"{low}" for low, high in pairwise(dimension.edges)]
        return (*ranges, f"{dimension.edges[-1]}+")
    return privacy.keys_of(dimension)


def cap(measure: Measure) -> int:
    """The most that a unit changes one cell of a measure by."""
    if measure.kind == "rows":
        return int(measure.at_most or 0)
    if measure.between and measure.kind in ("sum", "mean"):
        return max(abs(measure.between[0]), abs(measure.between[1]))
    return 1


def buckets(measure: Measure) -> int:
    """How many numbers a cell of a measure is made of."""
    if measure.kind == "quantiles":
        return len(measure.edges) - 1
    return 2 if measure.kind == "mean" else 1
