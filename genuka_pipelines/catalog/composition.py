"""How the costs of releases add up over a year, by the accounting of zero-concentrated differential privacy.

Known while facts load, so that a table whose year cannot be paid for is refused before its first release, and
not in the month in which the budget is gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.published import AnonymisedTable, Every, Spend

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog

PERIODS: dict[Every, int] = {"day": 365, "week": 52, "month": 12, "quarter": 4}
"""The fewest periods of a kind in a calendar year."""
_GOLDEN = (math.sqrt(5) - 1) / 2


def epsilon_of(rho: float, delta: float) -> float:
    """The ε that holds at δ of what is ρ-zCDP (Canonne, Kamath, Steinke 2020, corollary 13)."""

    def at(log_order: float) -> float:
        above = math.exp(log_order)
        order = 1 + above
        return order * rho + (math.log(1 / delta) + above * math.log1p(-1 / order) - math.log(order)) / above

    low, high = -20.0, 20.0
    for _ in range(80):
        inner = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, inner[1]) if at(inner[0]) < at(inner[1]) else (inner[0], high)
    return max(0.0, at((low + high) / 2)) if rho else 0.0


def rho_of(spend: Spend) -> float:
    """The least ρ that an ε and a δ may stand for: of noise that spends its δ, or of noise that has none."""
    pure = spend.epsilon**2 / 2
    if not spend.delta:
        return pure
    low, high = 0.0, pure
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of(middle, spend.delta) <= spend.epsilon else (low, middle)
    return low


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
