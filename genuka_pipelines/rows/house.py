"""The opened house as every capability sees it: the facts, the control database, the keys, the databases.

The runtime gives it; a test may give less. What one capability needs beyond this, it says itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.databases import Databases


class House(Protocol):
    """What is common to all."""

    @property
    def catalog(self) -> Catalog:
        """The declared facts."""

    @property
    def control(self) -> Control:
        """Ledger, leases, reviews."""

    @property
    def keyring(self) -> Keyring:
        """The keys."""

    def databases(self, system: str) -> Databases:
        """The shared database of a system and the tenants' own."""
