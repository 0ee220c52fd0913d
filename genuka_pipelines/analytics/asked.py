"""A question as it is put to a table for analysts, or to their catalogue: what every module in `questions` is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.analytics.publishing.surroundings import Publishing
from genuka_pipelines.catalog.published import ANALYTICS, AnonymisedTable

if TYPE_CHECKING:
    from genuka_pipelines.analytics.releases.release import Slot


class House(Publishing, Protocol):
    """The opened house: what publication sees of it, and the ledger."""


@dataclass(frozen=True)
class Asked:
    """A question about the asset `key` (`analytics/<table>`, or `analytics/catalogue`), asked `now` (aware UTC)."""

    house: House
    key: str
    now: datetime

    @property
    def name(self) -> str:
        """The table's name."""
        return self.key.removeprefix(ANALYTICS)

    @property
    def table(self) -> AnonymisedTable:
        """The table's declaration."""
        return self.house.catalog.published[self.name]

    @property
    def released(self) -> tuple[Slot, ...]:
        """The releases of the table that the store holds, of every definition it ever had."""
        from genuka_pipelines.analytics.releases.release import STORE, slot_folder, slots_in

        return tuple(slots_in(self.house.store(STORE), slot_folder(self.name)))
