"""How the costs of releases add up over a year, by the accounting of zero-concentrated differential privacy.

Known while facts load, so that a table whose year cannot be paid for is refused before its first release, and
not in the month in which the budget is gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.published import AnonymisedTable, Every, Spend

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog

PERIODS: dict[Every, int] = {"day": 365, "week": 52, "month": 12, "quarter": 4}
"""The fewest periods of a kind in a calendar year."""


def epsilon_of(rho: float, delta: float) -> float:
    """An ε such that ρ-zCDP is (ε, δ)-differentially private; infinite where δ is not positive.

    An upper bound: a grid of orders, instead of the best one, costs a little and never promises too much.
    Source: Canonne, Kamath and Steinke 2020, proposition 12.
    """
    if rho <= 0:
        return 0.0
    if delta <= 0:
        return math.inf
    return min(rho * order + part for order, part in _orders(delta))


def rho_within(epsilon: float, delta: float) -> float:
    """The largest ρ, to nine digits from below, that is (ε, δ)-differentially private; 0 where δ is not positive."""
    if delta <= 0:
        return 0.0
    low, high = 0.0, epsilon
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle)
    return low


def rho_of(spend: Spend) -> float:
    """The least ρ that an ε and a δ may stand for: of noise that spends its δ, or of noise that has none."""
    pure = spend.epsilon**2 / 2
    return min(pure, rho_within(spend.epsilon, spend.delta)) if spend.delta else pure


def least_year(tables: Iterable[AnonymisedTable], delta: float) -> float:
    """The least ε, at δ, that a whole year of releases of these tables costs one unit; inf where their δ is more.

    A unit that counts in one period only pays for one release. Each table is added up plainly or as ρ, whichever
    of the two makes all of them cheaper.
    """
    paid = [(table, 1 if table.once else PERIODS[table.period.every]) for table in tables]
    # A threshold spends half of its table's δ at least: what is private needs one.
    left = delta - sum(table.budget.delta * times / 2 for table, times in paid if table.private)
    if left < 0:
        return math.inf
    costs = [(table.budget.epsilon * times, rho_of(table.budget) * times) for table, times in paid]
    costs.sort(key=lambda cost: cost[0] / cost[1])
    least = math.inf
    for plainly in range(len(costs) + 1):
        rho = sum(cost[1] for cost in costs[plainly:])
        if left or not rho:
            least = min(least, sum(cost[0] for cost in costs[:plainly]) + (epsilon_of(rho, left) if rho else 0.0))
    return least


def of_class(catalog: Catalog, unit: str) -> dict[str, AnonymisedTable]:
    """The published tables that a class of units pays for."""
    return {name: table for name, table in catalog.published.items() if table.protects == unit}


@lru_cache(maxsize=256)
def _orders(delta: float) -> tuple[tuple[float, float], ...]:
    """Orders α of Rényi divergence, each with what it adds to ρα."""
    orders = [1 + 10 ** (n / 100 - 4) for n in range(1001)]
    return tuple((a, (-math.log(delta) - math.log(a) + (a - 1) * math.log1p(-1 / a)) / (a - 1)) for a in orders)
