"""Draws noise, with OpenDP and nothing else.

Samplers written with floats give away by their last bits what was added to; OpenDP's are exact on
integers. Scales are found by asking OpenDP what they cost, so no formula of ours decides how much protects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf, nextafter, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from genuka_pipelines.analytics.releases.release import Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CHUNK = 100_000
THREADS = 2


class Reach(NamedTuple):
    """How far one unit reaches: in `groups` cells, by `most` in each."""

    groups: int
    most: int

    def of(self, kind: Kind) -> int | float:
        """The sensitivity that the mechanism counts in: L1 of Laplace, L2 (rounded up) of Gaussian."""
        if kind == "laplace":
            return self.groups * self.most
        return nextafter(sqrt(self.groups) * self.most, inf)


def calibrated(kind: Kind, reach: Reach, cost: float) -> float:
    """The least scale whose ε (Laplace) or ρ (Gaussian) is at most `cost` for this reach."""
    dp = _opendp()
    return float(dp.binary_search_param(lambda scale: _adding(kind, scale), d_in=reach.of(kind), d_out=cost))


def thresholded(kind: Kind, groups: int, scale: float, delta: float) -> int:
    """The least threshold of noisy units that lets a lone unit's cells through with a chance of at most δ."""
    low, high = 1, 2
    while _slip(kind, groups, scale, high) > delta:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _slip(kind, groups, scale, middle) <= delta else (middle + 1, high)
    return high


def noisy(kind: Kind, scale: float, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each value with noise of its own. Draw once: two draws for one value can be averaged."""
    import numpy as np

    draw = _adding(kind, scale)
    chunks = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    drawn = _each(lambda chunk: np.array(draw(chunk.tolist()), dtype=np.int64), chunks)
    return np.concatenate([np.zeros(0, dtype=np.int64), *drawn])


def selected(kind: Kind, scale: float, threshold: int, units: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The places of the cells whose noisy number of units passes the threshold, rising."""
    import numpy as np

    select = _selecting(kind, scale, threshold)
    chunks = [range(start, min(start + CHUNK, len(units))) for start in range(0, len(units), CHUNK)]

    def survivors(places: range) -> npt.NDArray[np.int64]:
        counted = dict(zip(places, units[places.start : places.stop].tolist(), strict=True))
        return np.array(sorted(select(counted)), dtype=np.int64)

    return np.concatenate([np.zeros(0, dtype=np.int64), *_each(survivors, chunks)])


def _each(work: Callable[[Any], Any], chunks: Sequence[Any]) -> list[Any]:
    if len(chunks) < 2:
        return [work(chunk) for chunk in chunks]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, chunks))


def _adding(kind: Kind, scale: float) -> Any:
    dp = _opendp()
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    if kind == "laplace":
        return dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=scale)
    return dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale=scale)


def _selecting(kind: Kind, scale: float, threshold: int) -> Any:
    dp = _opendp()
    domain = dp.map_domain(dp.atom_domain(T="u32"), dp.atom_domain(T="i64"))
    each = dp.absolute_distance(T="f64")
    if kind == "laplace":
        return dp.m.make_laplace_threshold(domain, dp.l01inf_distance(each), scale=scale, threshold=threshold)
    return dp.m.make_gaussian_threshold(domain, dp.l02inf_distance(each), scale=scale, threshold=threshold)


def _slip(kind: Kind, groups: int, scale: float, threshold: int) -> float:
    reach = float(Reach(groups, 1).of(kind))
    return float(_selecting(kind, scale, threshold).map((groups, reach, 1.0))[1])


def _opendp() -> Any:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    return dp
