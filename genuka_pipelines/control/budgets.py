"""What releases for analysts have cost the people behind them, year by year.

Each release tells a little of everybody; without one account of all of them, many small releases
would together tell everything. A debit is written before anything is counted, and never paid back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import insert, select

from genuka_pipelines.control.bodies import BudgetDebited
from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import DebitDiffers
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.tables import budget_debits


@dataclass(frozen=True, slots=True)
class Debit:
    """What one release costs a class of units (`units`) in a year: rho and pure in 1e-12, delta in 1e-18.

    `pure` is None where the noise has a δ. `once`: a unit has rows in one period of the table only.
    """

    table: str
    period: str
    spec: str
    units: str
    year: int
    once: bool
    rho: int
    pure: int | None
    delta: int


_COLUMNS = [budget_debits.c[each.name] for each in fields(Debit)]


class Budgets:
    """The debits of one control database."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def debit(
        self, asked: Debit, *, refuse: Callable[[Sequence[Debit]], None], now: datetime
    ) -> tuple[tuple[Debit, ...], bool]:
        """Every debit of the class and year, this one included, and whether it is new; durable when this returns.

        `refuse` gets all of them, and raises when they are too many: nothing is then written. A release that
        was paid for is not paid for again; DebitDiffers where it was at another price. Nobody else debits
        meanwhile, in any process. Raises ClockSetBack, ClockAhead.
        """
        its = (budget_debits.c.table == asked.table) & (budget_debits.c.period == asked.period)
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            found = connection.execute(select(*_COLUMNS).where(its, budget_debits.c.spec == asked.spec)).first()
            debits = [
                Debit(*row)
                for row in connection.execute(
                    select(*_COLUMNS)
                    .where(budget_debits.c.units == asked.units, budget_debits.c.year == asked.year)
                    .order_by(budget_debits.c.table, budget_debits.c.period, budget_debits.c.spec)
                )
            ]
            if found is not None:
                if Debit(*found) != asked:
                    raise DebitDiffers(
                        f"the release {asked.period} of {asked.table} was paid for at another price than it has now: "
                        "change the table's declaration, which makes it another release"
                    )
                return tuple(debits), False
            debits.append(asked)
            refuse(debits)
            connection.execute(insert(budget_debits).values(**asdict(asked), at=in_utc(now)))
            said = BudgetDebited(**{name: getattr(asked, name) for name in BudgetDebited.model_fields})
            self._ledger.append_within(connection, [said], as_of=now, now=now)
        return tuple(debits), True

    def spent(self, units: str | None = None, year: int | None = None) -> tuple[Debit, ...]:
        """The debits of a class, of a year, or all, by table and period."""
        query = select(*_COLUMNS).order_by(budget_debits.c.table, budget_debits.c.period, budget_debits.c.spec)
        if units is not None:
            query = query.where(budget_debits.c.units == units)
        if year is not None:
            query = query.where(budget_debits.c.year == year)
        with self._database.begin() as connection:
            return tuple(Debit(*row) for row in connection.execute(query))
