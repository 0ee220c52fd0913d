"""What a sweep needs of the opened house beyond its data: what rows point at, what ends by age, final copies."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from genuka_pipelines.rows.aged import Aged
    from genuka_pipelines.rows.content import Contents


class Sweepable(House, Protocol):
    """The opened house, as far as a sweep reaches."""

    def contents(self, system: str) -> Contents:
        """What rows point at in a store or a service."""

    def aged(self, system: str) -> Aged | None:
        """What a store, a folder or the run history holds; None where this process cannot reach it."""

    def final_copy(self, tenant: str) -> datetime | None:
        """When the last verified backup of a tenant was made; None where there is none."""
