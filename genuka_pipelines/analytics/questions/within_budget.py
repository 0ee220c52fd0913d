"""Has the class of units spent no more in any year than it may, and was every release paid for?"""

from __future__ import annotations

from genuka_pipelines.analytics.asked import Asked
from genuka_pipelines.catalog.answer import Answer


def ask(asked: Asked) -> Answer:
    """No where a year is overdrawn, or where the store holds a release that nobody paid for."""
    from genuka_pipelines.analytics.releases.spending import spent

    privacy = asked.house.catalog.privacy
    assert privacy is not None  # noqa: S101 - no table is published without
    unit = privacy.units[asked.table.protects]
    debits = asked.house.control.budgets.spent(asked.table.protects)
    years = sorted({debit.year for debit in debits})
    figures = [
        spent([debit for debit in debits if debit.year == year], year=year, of=unit.year, exact=False) for year in years
    ]
    over = [one for one in figures if one.epsilon > unit.year.epsilon or one.delta > unit.year.delta]
    paid = {(debit.table, debit.period, debit.spec) for debit in debits}
    unpaid = [slot for slot in asked.released if (slot.table, slot.period, slot.spec) not in paid]
    notes = [f"ε {one.epsilon:.3g} of {unit.year.epsilon:g} is spent in {one.year}" for one in figures]
    notes += [f"the releases of {asked.table.protects} in {one.year} cost more than they may" for one in over]
    notes += [f"nobody paid for the release of {slot.period}" for slot in unpaid]
    return Answer(
        passed=not over and not unpaid,
        counts={"debits": len(debits), "years_over": len(over), "unpaid": len(unpaid)},
        notes=tuple(notes),
    )
