"""What backups need of the opened house beyond its data: the stores, a folder of their own, and media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from pathlib import Path

    from genuka_pipelines.catalog.expectation import Expectation
    from genuka_pipelines.stores.store import Store


class Backupable(House, Protocol):
    """The opened house, as far as backups reach."""

    def store(self, system: str) -> Store:
        """The opened store of a system of the catalogue."""

    def store_for_expiry(self, system: str) -> Store:
        """The same with the credentials that may destroy what is over, and nothing else does."""

    def host(self, system: str) -> str | None:
        """The host that a system's setting names; None for what is in this machine."""

    def unmet(self, columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
        """How many rows of a small table of our own fail an expectation; None where that could not be found out."""

    @property
    def backups(self) -> Path:
        """The private folder of what can be made anew: row index, state, spools."""
