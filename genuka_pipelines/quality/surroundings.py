"""What a question needs of the house beyond its data: where a system is, and how much a store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from genuka_pipelines.rows.aged import Aged


class Surroundings(House, Protocol):
    """The opened house, as far as quality looks."""

    def host(self, system: str) -> str | None:
        """The host that a system's setting names; None for what is in this machine."""

    def aged(self, system: str) -> Aged | None:
        """What ends by age in a store, a folder or the run history; None where this process cannot reach it."""

    def objects(self, system: str, prefix: str) -> int | None:
        """How many objects a store or folder holds below a prefix; None for what has none to count."""
