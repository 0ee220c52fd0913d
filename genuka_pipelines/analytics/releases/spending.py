"""Translates debits of the control database into ε, and says no before a class of units is overdrawn.

One person's year is one account, whatever tables it is spent on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

from genuka_pipelines.analytics.errors import OverBudget
from genuka_pipelines.analytics.noise.accounting import Cost, Total, epsilon_at, pld_epsilon, total
from genuka_pipelines.analytics.releases.calendar import year_of
from genuka_pipelines.analytics.releases.release import Manifest, Slot, Spent
from genuka_pipelines.catalog.published import AnonymisedTable, Spend
from genuka_pipelines.control import Debit

_RHO, _DELTA = 10**12, 10**18


def debit_of(slot: Slot, table: AnonymisedTable, cost: Cost) -> Debit:
    """What the control database writes down of a release, in whole units, rounded up."""
    return _debit(slot, table.protects, cost, once=table.once)


def debit_again(manifest: Manifest) -> Debit:
    """The same, of a release that is there, as its manifest says it was made."""
    used = [*manifest.mechanisms.values(), *([manifest.selection] if manifest.selection else [])]
    gaussian = [mechanism.rho or 0.0 for mechanism in used if mechanism.epsilon is None]
    pure = [mechanism.epsilon or 0.0 for mechanism in used if mechanism.epsilon is not None]
    rho = sum(gaussian) if gaussian else sum(epsilon**2 / 2 for epsilon in pure)
    slip = manifest.selection.delta if manifest.selection else 0.0
    return _debit(
        manifest.slot, manifest.protects, Cost(rho, None if gaussian else manifest.epsilon, slip), once=manifest.once
    )


def _debit(slot: Slot, units: str, cost: Cost, *, once: bool) -> Debit:
    return Debit(
        table=slot.table,
        period=slot.period,
        spec=slot.spec,
        units=units,
        year=year_of(slot.period),
        once=once,
        rho=_up(cost.rho * _RHO),
        pure=None if cost.pure is None else _up(cost.pure * _RHO),
        delta=_up(cost.delta * _DELTA),
    )


def _up(amount: float) -> int:
    # 0.1 of a budget times ten is the budget: what a float adds below a thousandth of the smallest unit is no cost.
    return ceil(round(amount, 3))


def spent_of(debits: Iterable[Debit]) -> Total:
    """What debits of one class and year cost one unit, at most.

    Releases follow one another, save those of a table where a unit is in one period only: of these the
    dearest counts.
    """
    several, once = [], defaultdict[str, dict[str, list[Cost]]](dict)
    for debit in debits:
        cost = Cost(debit.rho / _RHO, None if debit.pure is None else debit.pure / _RHO, debit.delta / _DELTA)
        if debit.once:
            once[debit.table].setdefault(debit.period, []).append(cost)
        else:
            several.append(cost)
    spent = total(several)
    for periods in once.values():
        dearest = Total()
        for costs in periods.values():
            dearest |= total(costs)
        spent = spent.then(dearest)
    return spent


def spent(debits: Sequence[Debit], *, year: int, of: Spend, exact: bool = True) -> Spent:
    """The figures of a class's year; with `exact`, also by privacy loss distributions (a second or so)."""
    known = spent_of(debits)
    return Spent(
        year=year,
        epsilon=epsilon_at(known, of.delta),
        delta=known.delta,
        rho=known.rho,
        pld_epsilon=pld_epsilon(known, of.delta) if exact else None,
        of=of,
    )


def refuse_beyond(debits: Sequence[Debit], *, asked: Slot, units: str, of: Spend) -> None:
    """Raises OverBudget where debits, the last one being asked for, are more than a class's year may cost."""
    known = spent_of(debits)
    epsilon = epsilon_at(known, of.delta)
    if known.delta > of.delta or epsilon > of.epsilon:
        raise OverBudget(
            f"the release {asked.period} of {asked.table} would bring {units} to ε = {epsilon:.3g} and δ = "
            f"{known.delta:.2g} of thresholds in its year, and {of.epsilon:g} and {of.delta:.2g} are the most: "
            "give the table a smaller budget, or wait for the next year"
        )
