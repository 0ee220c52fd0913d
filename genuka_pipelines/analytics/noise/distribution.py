"""The two discrete distributions that noise is drawn from, as functions: no draw is made here.

Error bars are computed from the very distribution of the integers that were added, not from a
continuous cousin's.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, exp, expm1, inf, log, sqrt

from genuka_pipelines.analytics.releases.release import Kind

LEVEL = 0.95
NORMAL = 1.959963984540054
"""Deviations within which a normal lies at 95 %."""
_WIDE = 2_000.0
"""From this σ on, a discrete Gaussian's quantile is a normal's to within one."""


@lru_cache(maxsize=1024)
def half_width(kind: Kind, scale: float, level: float = LEVEL) -> int:
    """The least r with P(|X| ≤ r) ≥ level, X being the noise of this scale (b or σ); 0 without noise."""
    if scale <= 0:
        return 0
    if kind == "laplace":
        # P(|X| > r) = 2 e^(-(r+1)/b) / (1 + e^(-1/b))
        beyond = (1 - level) * (1 + exp(-1 / scale)) / 2
        return max(0, ceil(-scale * log(beyond) - 1 - 1e-9))
    if scale > _WIDE:
        return ceil(_normal(level) * scale)
    masses = _masses(scale)
    total = masses[0] + 2 * sum(masses[1:])
    held, r = masses[0], 0
    while held < level * total:
        r += 1
        held += 2 * masses[r]
    return r


def coverage(kind: Kind, scale: float, width: int) -> float:
    """P(|X| ≤ width)."""
    if scale <= 0:
        return 1.0
    if kind == "laplace":
        return 1 - 2 * exp(-(width + 1) / scale) / (1 + exp(-1 / scale))
    masses = _masses(scale)
    total = masses[0] + 2 * sum(masses[1:])
    return (masses[0] + 2 * sum(masses[1 : width + 1])) / total


def deviation(kind: Kind, scale: float) -> float:
    """The standard deviation; of a discrete Gaussian, an upper bound."""
    if scale <= 0 or kind == "gaussian":
        return max(scale, 0.0)
    # Var = 2q / (1-q)², q = e^(-1/b)
    return sqrt(2 * exp(-1 / scale)) / -expm1(-1 / scale)


def _masses(sigma: float) -> list[float]:
    return [exp(-r * r / (2 * sigma * sigma)) for r in range(ceil(12 * sigma) + 2)]


def _normal(level: float) -> float:
    if level == LEVEL:
        return NORMAL
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2) if level < 1 else inf
