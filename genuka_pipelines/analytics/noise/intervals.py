"""Intervals of figures that are made of several noisy numbers: quotients and quantiles.

An interval that only moved the quotient by the error of its numerator would be too short just where
few units are, which is where readers need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genuka_pipelines.analytics.noise.distribution import NORMAL, deviation
from genuka_pipelines.analytics.releases.release import Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_ONE_SIDED = {"gaussian": NORMAL, "laplace": 2.1183}
"""Deviations that a sum of noises exceeds with a chance of 2.5 %, at most: one Laplace alone is the worst."""
_STEPS = 60


def quotient(
    kind: Kind, sums: Numbers, units: Numbers, scales: tuple[float, float], between: tuple[int, int]
) -> tuple[Numbers, Numbers, Numbers]:
    """Value, low and high of noisy sums over noisy units (Fieller's interval), within the declared bounds.

    The interval is every m for which sum - m · units may be noise alone at 95 %.
    """
    import numpy as np

    low, high = float(between[0]), float(between[1])
    value = np.clip(sums / np.maximum(units, 1.0), low, high)

    def beyond(m: Numbers) -> npt.NDArray[np.bool_]:
        return np.abs(sums - m * units) > _together(kind, scales[0], np.abs(m) * scales[1])

    def edge(end: float) -> Numbers:
        inner, outer = value.copy(), np.full_like(value, end)
        whole = ~beyond(outer)
        for _ in range(_STEPS):
            middle = (inner + outer) / 2
            out = beyond(middle)
            inner, outer = np.where(out, inner, middle), np.where(out, middle, outer)
        return np.where(whole | (units <= 0), end, outer)

    return value, edge(low), edge(high)


def quantile(
    kind: Kind, counts: Numbers, scale: float, edges: tuple[int, ...], share: float
) -> tuple[Numbers, Numbers, Numbers]:
    """Value, low and high of a quantile from noisy counts (cells × ranges) between edges.

    The value lies in the first range where the counts up to it reach the share; low is the first, and
    high the last, for which that cannot be told apart from noise.
    """
    import numpy as np

    ranges = counts.shape[1]
    up_to = np.cumsum(counts, axis=1)
    reached = up_to - share * up_to[:, -1:]
    held = np.arange(1, ranges + 1)
    spread = deviation(kind, scale) * np.sqrt((1 - share) ** 2 * held + share**2 * (ranges - held))
    edge = np.array(edges, dtype=np.float64)
    sure = _ONE_SIDED[kind] * spread
    first = np.argmax(reached >= -sure, axis=1)
    below = reached < sure
    last = np.where(below.any(axis=1), ranges - np.argmax(below[:, ::-1], axis=1), 0)
    place = np.argmax(reached >= 0, axis=1)
    place = np.where((reached >= 0).any(axis=1), place, ranges - 1)
    last = np.clip(last, place, ranges - 1)
    return _inside(reached, place, edge), edge[np.minimum(first, place)], edge[last + 1]


def _inside(reached: Numbers, place: npt.NDArray[np.int64], edge: Numbers) -> Numbers:
    """Where in its range a quantile lies, as if the units there were spread evenly."""
    import numpy as np

    rows = np.arange(len(place))
    after = reached[rows, place]
    before = np.where(place > 0, reached[rows, np.maximum(place - 1, 0)], 0.0)
    part = np.where(after > before, -before / np.maximum(after - before, 1e-9), 0.5)
    return np.asarray(edge[place] + np.clip(part, 0, 1) * (edge[place + 1] - edge[place]), dtype=np.float64)


def _together(kind: Kind, one: float, others: Numbers) -> Numbers:
    """The 95 % width of the difference of two noises of these scales."""
    import numpy as np

    if kind == "gaussian":
        return np.asarray(NORMAL * np.sqrt(one**2 + others**2), dtype=np.float64)
    # P(|X+Y| > t) = (b² e^(-t/b) - c² e^(-t/c)) / (b² - c²) for two Laplaces of scales b and c.
    b, c = np.full_like(others, one), np.maximum(others, 1e-12)
    c = np.where(np.abs(b - c) < 1e-6 * b, c * (1 + 1e-5), c)
    low, high = np.zeros_like(c), 30 * (b + c)
    for _ in range(_STEPS):
        t = (low + high) / 2
        over = (b**2 * np.exp(-t / b) - c**2 * np.exp(-t / c)) / (b**2 - c**2) > 0.05
        low, high = np.where(over, t, low), np.where(over, high, t)
    return np.asarray(high, dtype=np.float64)
