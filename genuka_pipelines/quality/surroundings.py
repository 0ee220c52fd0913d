"""What a question needs of the house: the facts, the databases of a system, the keys and the control database.

The runtime gives it; a test may give less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.databases import Databases


class Surroundings(Protocol):
    """The opened house, as far as quality looks."""

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

    def host(self, system: str) -> str | None:
        """The host that a system's setting names; None for what is embedded in this machine."""

    def objects(self, system: str, prefix: str) -> int | None:
        """How many objects a store or folder holds below a prefix; None for what has none to count."""
