"""What publication needs of the opened house: the store of published files, a folder, and the copy's address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import URL

    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.expectation import Expectation
    from genuka_pipelines.control import Control
    from genuka_pipelines.stores.store import Store


class Addresses(Protocol):
    """The settings, as far as publication asks."""

    @property
    def databases(self) -> Collection[str]:
        """The names of the databases that are configured."""

    def url(self, name: str) -> URL:
        """The address of a database."""


class Publishing(Protocol):
    """The opened house, as far as publication looks: never a database, never a key."""

    @property
    def catalog(self) -> Catalog:
        """The declared facts."""

    @property
    def control(self) -> Control:
        """Leases, so that one process publishes at a time."""

    @property
    def settings(self) -> Addresses:
        """Where the copy for BI tools goes."""

    @property
    def staging(self) -> Path:
        """A private folder, where what is published is made before it is moved."""

    def store(self, system: str) -> Store:
        """The opened store of a system of the catalogue."""

    def unmet(self, columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
        """How many rows of a small table of our own fail an expectation; None where that could not be found out."""
