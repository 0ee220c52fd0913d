"""The figures of a table made fit for a chart: no negative count, no more rows than units allow.

Noise makes single figures impossible; analysts who clamp them by hand do it each in another way. The
unbiased figures stay in `<name>_cells`: sums over many cells belong there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genuka_pipelines.analytics.publishing.figures import Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]


def consistent(
    found: Mapping[str, Column],
    figures: Mapping[str, Figure],
    ordered: Sequence[Sequence[str]],
    bounded: NDArray[np.bool_],
) -> dict[str, Column]:
    """For each figure its value, `_low` and `_high`, one array entry a cell, NaN where nothing is told.

    Each is put into what the figure can be; then into what its units allow (see Figure.per_unit), and
    quantiles into order, where `bounded`: elsewhere other bounds held when the release was made.
    """
    import numpy as np

    made: dict[str, Column] = {}
    with np.errstate(invalid="ignore"):
        for name, figure in figures.items():
            for column in (name, f"{name}_low", f"{name}_high"):
                made[column] = _possible(found[column], figure, bounded)
            if figure.whole:
                made[name] = np.rint(made[name])
        # In the order of how they lean on each other: units on units, then the rest on those.
        for figure in sorted(figures.values(), key=lambda one: one.kind != "units"):
            if figure.per_unit and figure.units:
                made[figure.name] = _within(made[figure.name], made[figure.units], figure.per_unit, bounded)
        for names in ordered:
            rising = np.maximum.accumulate([_told(made[name]) for name in names])
            for name, values in zip(names, rising, strict=True):
                made[name] = np.where(bounded & ~np.isnan(made[name]), values, made[name])
        for name, figure in figures.items():
            low, high = np.fmin(made[f"{name}_low"], made[name]), np.fmax(made[f"{name}_high"], made[name])
            made[f"{name}_low"] = np.floor(low) if figure.whole else low
            made[f"{name}_high"] = np.ceil(high) if figure.whole else high
    return made


def _possible(values: Column, figure: Figure, bounded: NDArray[np.bool_]) -> Column:
    import numpy as np

    clipped = np.clip(values, figure.least, figure.most)
    if figure.whole:  # what a count or a sum can be does not hang on the bounds of a definition
        return clipped
    return np.where(bounded, clipped, values)


def _within(values: Column, units: Column, per_unit: tuple[float, float], bounded: NDArray[np.bool_]) -> Column:
    import numpy as np

    allowed = np.clip(values, per_unit[0] * units, per_unit[1] * units)
    return np.where(bounded & ~np.isnan(units), allowed, values)


def _told(values: Column) -> Column:
    """What is not told stands below everything, so that it lifts nothing."""
    import numpy as np

    return np.where(np.isnan(values), -np.inf, values)
