"""What each figure of a table is: its kind, what it can be at all, and its title.

Releases name figures (`wait_p50`); without one place that knows what stands behind a name, each of the
catalogue, its comments, the dictionary and the checks would guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Literal

from genuka_pipelines.analytics.releases.release import quantile_name
from genuka_pipelines.catalog.published import AnonymisedTable, Measure
from genuka_pipelines.catalog.value import Words

Kind = Literal["units", "rows", "sum", "mean", "quantile"]


@dataclass(frozen=True)
class Figure:
    """One figure of a cell: the least and the most that it can be, and by how much one unit moves it."""

    name: str
    kind: Kind
    title: Words
    least: float
    most: float
    per_unit: tuple[float, float] | None = None
    """The least and the most that each unit of the cell adds, where the number of units bounds the figure."""
    units: str | None = None
    """The figure that tells how many units: None where none does."""

    @property
    def whole(self) -> bool:
        """Whether it is a whole number by its nature."""
        return self.kind not in ("mean", "quantile")


def figures(table: AnonymisedTable) -> dict[str, Figure]:
    """The figures of a table, in the order that its releases tell them."""
    units = next((name for name, measure in table.measures.items() if measure.kind == "units"), None)
    found = [one for name, measure in table.measures.items() for one in _of(name, measure, units)]
    return {one.name: one for one in found}


def quantile_groups(table: AnonymisedTable) -> tuple[tuple[str, ...], ...]:
    """The figures of each measure of quantiles, from the smallest share to the largest."""
    return tuple(
        tuple(quantile_name(name, share) for share in sorted(measure.at))
        for name, measure in table.measures.items()
        if measure.kind == "quantiles"
    )


def _of(name: str, measure: Measure, units: str | None) -> Iterator[Figure]:
    title = measure.title
    if measure.kind == "units":
        yield Figure(name, "units", title, 0, inf)
    elif measure.kind == "rows":
        yield Figure(name, "rows", title, 0, inf, (1, measure.at_most or 1), units)
    elif measure.kind == "sum":
        yield _sum(name, title, measure.between or (0, 0), units)
    elif measure.kind == "mean":
        between = measure.between or (0, 0)
        yield Figure(name, "mean", title, *between)
        yield _sum(f"{name}_sum", _more(title, "total", "total"), between, f"{name}_units")
        counted = _more(title, "unités comptées", "units counted")
        yield Figure(f"{name}_units", "units", counted, 0, inf, (0, 1), units)
    else:
        for share in measure.at:
            at = f"{share * 100:.6g}"
            yield Figure(
                quantile_name(name, share),
                "quantile",
                _more(title, f"centile {at.replace('.', ',')}", f"percentile {at}"),
                measure.edges[0],
                measure.edges[-1],
            )


def _sum(name: str, title: Words, between: tuple[int, int], units: str | None) -> Figure:
    least, most = between
    return Figure(name, "sum", title, 0 if least >= 0 else -inf, 0 if most <= 0 else inf, between, units)


def _more(title: Words, fr: str, en: str) -> Words:
    return Words(fr=f"{title.fr} ({fr})", en=f"{title.en} ({en})")
