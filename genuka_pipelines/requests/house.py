"""What requests need of the opened house beyond its data: what rows point at, and the stores of what is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.backups.house import Backupable
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL

    from genuka_pipelines.rows.content import Contents
    from genuka_pipelines.stores.store import Store
    from genuka_pipelines.systems.recipient import Recipient


class Answering(House, Protocol):
    """The opened house, as far as a request reaches."""

    def contents(self, system: str) -> Contents:
        """What rows point at in a store or a service."""

    def store(self, system: str) -> Store:
        """The store of a system."""

    def recipient(self, name: str) -> Recipient | None:
        """The interface of a recipient to be told of an erasure; None where people tell it."""


class Ending(Sweepable, Backupable, Answering, Protocol):
    """The same, as far as a tenant's requests reach: sweeps, the keys of backups, and where archives are made."""

    @property
    def exports(self) -> Path:
        """The private folder in which archives are put together."""

    def url(self, system: str) -> URL:
        """The address of a database system."""
