"""How a table's budget is spent: on which numbers, with which noise, decided before any row is read.

The kind of noise is the one whose 95 % error is less for the same cost to the year: Laplace is better
for few cells and few releases, Gaussian for many of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import NamedTuple

from genuka_pipelines.analytics.bounding.query import Query, cap
from genuka_pipelines.analytics.errors import BudgetTooSmall
from genuka_pipelines.analytics.noise.accounting import Cost, epsilon_at, total
from genuka_pipelines.analytics.noise.distribution import half_width
from genuka_pipelines.analytics.noise.mechanism import Reach, calibrated, thresholded
from genuka_pipelines.analytics.releases.calendar import PER_YEAR
from genuka_pipelines.analytics.releases.release import Kind, Mechanism
from genuka_pipelines.catalog.composition import rho_within
from genuka_pipelines.catalog.published import AnonymisedTable, Spend

KINDS: tuple[Kind, ...] = ("laplace", "gaussian")
COUNTED = "units"
"""The exact number of units, and the noisy one where nothing else says whether a cell is told."""


class Part(NamedTuple):
    """Noisy numbers that share a scale: of which measure, which exact figures, how far a unit reaches, its weight."""

    measure: str
    figures: tuple[str, ...]
    reach: Reach
    weight: float


@dataclass(frozen=True)
class Plan:
    """The noise of each part, by the name of its first figure, and of the selection of keys.

    `judge` names the figures whose noisy sum is a cell's number of units (or rows).
    """

    kind: Kind
    parts: tuple[Part, ...]
    mechanisms: dict[str, Mechanism]
    selection: Mechanism | None
    judge: tuple[str, ...]
    cost: Cost
    spend: Spend

    @property
    def named(self) -> dict[str, Mechanism]:
        """The noise by measure, as manifests say it: of a mean, `<name>_sum` and `<name>_units`."""
        halves = {part.measure for part in self.parts if part.figures[0].startswith("u") and part.measure != COUNTED}
        return {
            f"{part.measure}_{'units' if part.figures[0].startswith('u') else 'sum'}"
            if part.measure in halves
            else part.measure: self.mechanisms[part.figures[0]]
            for part in self.parts
        }


def planned(query: Query, year: Spend, *, name: str) -> Plan:
    """The plan of a query, in the budget of its table; `year` is what its class of units may cost.

    Raises BudgetTooSmall, naming the table, where a δ is needed and none is given.
    """
    table = query.table
    plans = [plan for kind in KINDS if (plan := _plan(query, kind)) is not None]
    if not plans:
        raise BudgetTooSmall(f"the budget of {name} buys no noise: give it a delta, or list the keys of its dimensions")
    return min(plans, key=lambda plan: (_merit(plan, table, year), _error(plan)))


def _plan(query: Query, kind: Kind) -> Plan | None:
    table = query.table
    parts, judge = _parts(query)
    budget = table.budget
    slip = budget.delta / (1 if kind == "laplace" else 2) if query.private else 0.0
    whole = budget.epsilon if kind == "laplace" else rho_within(budget.epsilon, budget.delta - slip)
    if whole <= 0 or (query.private and slip <= 0):
        return None
    weights = sum(part.weight for part in parts) + query.private
    made = {part.figures[0]: _mechanism(kind, part.reach, whole * part.weight / weights) for part in parts}
    selection = _selection(kind, query.groups, whole / weights, slip) if query.private else None
    used = [*made.values(), *([selection] if selection else [])]
    if kind == "laplace":
        each = [mechanism.epsilon or 0.0 for mechanism in used]
        # The parts are shares of the budget: what their sum is beyond it is the rounding of floats.
        pure = min(sum(each), budget.epsilon)
        cost = Cost(sum(epsilon**2 / 2 for epsilon in each), pure, slip)
        spend = Spend(epsilon=pure, delta=slip)
    else:
        cost = Cost(sum(mechanism.rho or 0.0 for mechanism in used), None, slip)
        spend = budget
    return Plan(kind, parts, made, selection, judge, cost, spend)


def _parts(query: Query) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    parts: list[Part] = []
    judges: dict[str, tuple[str, ...]] = {}
    figures: tuple[str, ...]
    one = Reach(query.groups, 1)
    for n, (name, measure) in enumerate(query.table.measures.items()):
        figures = (f"m{n}",)
        if measure.kind == "quantiles":
            figures = tuple(f"m{n}_{bucket}" for bucket in range(len(measure.edges) - 1))
            judges.setdefault("quantiles", figures)
        if measure.kind in ("units", "rows"):
            judges.setdefault(measure.kind, figures)
        if measure.kind == "mean":
            parts.append(Part(name, (f"u{n}",), one, measure.share / 2))
            judges.setdefault("mean", (f"u{n}",))
        weight = measure.share / 2 if measure.kind == "mean" else measure.share
        parts.append(Part(name, figures, Reach(query.groups, cap(measure)), weight))
    judge = next((judges[kind] for kind in ("units", "mean", "quantiles", "rows") if kind in judges), ())
    if not judge and query.table.minimum:
        parts.append(Part(COUNTED, (COUNTED,), one, 1))
        judge = (COUNTED,)
    return tuple(parts), judge


def _mechanism(kind: Kind, reach: Reach, cost: float) -> Mechanism:
    scale = calibrated(kind, reach, cost)
    paid = {"epsilon": cost} if kind == "laplace" else {"rho": cost}
    return Mechanism(name=kind, scale=scale, error=half_width(kind, scale), **paid)


def _selection(kind: Kind, groups: int, cost: float, slip: float) -> Mechanism:
    mechanism = _mechanism(kind, Reach(groups, 1), cost)
    threshold = thresholded(kind, groups, mechanism.scale, slip)
    return mechanism.model_copy(update={"threshold": threshold, "delta": slip})


def _error(plan: Plan) -> float:
    """The mean of the logarithms of all 95 % errors, by weight."""
    errors = [(part.weight, plan.mechanisms[part.figures[0]].error) for part in plan.parts]
    return sum(weight * log(max(error, 0.5)) for weight, error in errors) / sum(weight for weight, _ in errors)


def _merit(plan: Plan, table: AnonymisedTable, year: Spend) -> float:
    """The error, times what a year of such releases costs: less is better."""
    releases = 1 if table.once else PER_YEAR[table.period.every]
    costs = epsilon_at(total([plan.cost] * releases), year.delta)
    return inf if costs == inf else _error(plan) + log(costs)
