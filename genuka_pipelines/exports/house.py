"""What exports need of the opened house beyond its data: the stores, and how expectations are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from sqlalchemy import URL

    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.expectation import Expectation
    from genuka_pipelines.stores.store import Store


class Exporting(House, Protocol):
    """The opened house, as far as exports reach."""

    def store(self, system: str) -> Store:
        """The opened store of a system of the catalogue."""

    def unmet(self, columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
        """How many rows fail an expectation; None where that could not be found out."""


class WithScratch(Protocol):
    """What tells where archives are loaded again."""

    @property
    def catalog(self) -> Catalog:
        """The declared facts."""

    def url(self, system: str) -> URL:
        """The address of a database system."""
