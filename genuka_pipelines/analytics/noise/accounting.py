"""What releases cost together: zero-concentrated privacy (ρ), and what that means in ε at a δ.

Every figure is an upper bound. Source: Bun and Steinke 2016; `catalog.composition` turns ρ into ε.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, exp, inf
from typing import TYPE_CHECKING, NamedTuple

from genuka_pipelines.catalog.composition import epsilon_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_GRID = 1e-3
"""Of privacy losses; each is rounded up to it."""


class Cost(NamedTuple):
    """What one release costs: `rho` in any case; `pure` is its ε where it has no δ of noise (Laplace), else None.

    `delta` is the chance that a threshold lets a lone unit through. A pure ε costs ε²/2 of ρ.
    """

    rho: float
    pure: float | None
    delta: float


class Total(NamedTuple):
    """What several releases cost together: ρ of all, ρ of Gaussians alone, each pure ε, δ of all thresholds."""

    rho: float = 0.0
    gaussian: float = 0.0
    pure: tuple[float, ...] = ()
    delta: float = 0.0

    def __or__(self, other: Total) -> Total:
        """Both, at most: of two releases that no unit is in both of."""
        more = max(self.pure, other.pure, key=sum)
        return Total(max(self.rho, other.rho), max(self.gaussian, other.gaussian), more, max(self.delta, other.delta))

    def then(self, other: Total) -> Total:
        """Both, one after the other."""
        return Total(
            self.rho + other.rho, self.gaussian + other.gaussian, self.pure + other.pure, self.delta + other.delta
        )


def total(costs: Iterable[Cost]) -> Total:
    """Several releases in sequence."""
    listed = list(costs)
    return Total(
        sum(cost.rho for cost in listed),
        sum(cost.rho for cost in listed if cost.pure is None),
        tuple(cost.pure for cost in listed if cost.pure is not None),
        sum(cost.delta for cost in listed),
    )


def epsilon_at(spent: Total, delta: float) -> float:
    """The ε of what was spent at δ: the lesser of all in ρ, and of pure ε added to the ρ of the rest."""
    left = delta - spent.delta
    if left < 0:
        return inf
    return min(epsilon_of(spent.rho, left), sum(spent.pure) + epsilon_of(spent.gaussian, left))


def pld_epsilon(spent: Total, delta: float) -> float | None:
    """The same by the distribution of the privacy loss: tighter, and for information only. None where there is none.

    Gaussians compose to one Gaussian, whose δ at any ε is known; a pure ε loses at worst ε, or gains it. Discrete
    noise is taken for continuous. Sources: Balle and Wang 2018, theorem 8; Kairouz, Oh and Viswanath 2015.
    """
    left = delta - spent.delta
    if left <= 0 or not (spent.gaussian or spent.pure):
        return None
    losses, chances = _pure_losses(spent.pure)
    low, high = 0.0, epsilon_at(spent, delta)
    for _ in range(60):
        middle = (low + high) / 2
        too_many = float(chances @ _gaussian_delta(spent.gaussian, middle - losses)) > left
        low, high = (middle, high) if too_many else (low, middle)
    return high


def _pure_losses(pure: tuple[float, ...]) -> tuple[Numbers, Numbers]:
    """Every sum of ±ε on a grid, each ε rounded up to it, and how likely it is."""
    import numpy as np

    steps = [ceil(epsilon / _GRID) for epsilon in pure]
    chances, most = np.ones(1), 0
    for step in steps:
        up = 1 / (1 + exp(-step * _GRID))
        wider = np.zeros(len(chances) + 2 * step)
        wider[2 * step :] += up * chances
        wider[: len(chances)] += (1 - up) * chances
        chances, most = wider, most + step
    return np.asarray(np.arange(-most, most + 1) * _GRID, dtype=np.float64), chances


def _gaussian_delta(rho: float, epsilon: Numbers) -> Numbers:
    """The δ at each ε of a Gaussian that costs ρ: an ε below zero, too, as after a loss elsewhere."""
    import numpy as np
    from scipy.special import log_ndtr, ndtr  # type: ignore[import-untyped]

    if not rho:
        return np.asarray(np.maximum(0.0, -np.expm1(epsilon)), dtype=np.float64)
    mu = (2 * rho) ** 0.5
    lost, gained = ndtr(mu / 2 - epsilon / mu), np.exp(epsilon + log_ndtr(-mu / 2 - epsilon / mu))
    return np.asarray(np.maximum(0.0, lost - gained), dtype=np.float64)
