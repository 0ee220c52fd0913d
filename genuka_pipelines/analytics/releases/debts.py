"""Finds releases that nobody is known to have paid for, and writes their debits down again.

A control database that was restored from a copy forgets what was paid since. The releases of those days
are out all the same: a budget that does not count them would be spent a second time on the same people.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.analytics.releases.release import FOLDER, STORE, from_bytes, slots_in
from genuka_pipelines.analytics.releases.spending import debit_again

if TYPE_CHECKING:
    from genuka_pipelines.control import Control, Debit
    from genuka_pipelines.stores.store import Store


class Surroundings(Protocol):
    """The opened house, as far as debts look."""

    @property
    def control(self) -> Control:
        """Budgets and their ledger."""

    def store(self, system: str) -> Store:
        """The opened store of a system."""


def settle(house: Surroundings, *, now: datetime) -> tuple[Debit, ...]:
    """Debit every stored release that has no debit, from its own manifest; what was written.

    However much it is: what is out cannot be refused any more, and the next release is. Raises ReleaseDamaged
    where a release without a debit cannot be read, and what the store and the control database raise: then
    nothing may be released.
    """
    store = house.store(STORE)
    slots = slots_in(store, f"{FOLDER}/")
    paid = {(debit.table, debit.period, debit.spec) for debit in house.control.budgets.spent()} if slots else set()
    written = []
    for slot, stored in slots.items():
        if (slot.table, slot.period, slot.spec) not in paid:
            owed = debit_again(from_bytes(store.get(stored.key), stored.key).manifest)
            _, new = house.control.budgets.debit(owed, refuse=lambda _: None, now=now)
            written += [owed] if new else []
    return tuple(written)
