"""What a question needs of the house beyond its data: where a system is, and how much a store holds."""

from __future__ import annotations

from typing import Protocol

from genuka_pipelines.rows.house import House


class Surroundings(House, Protocol):
    """The opened house, as far as quality looks."""

    def host(self, system: str) -> str | None:
        """The host that a system's setting names; None for what is in this machine."""

    def objects(self, system: str, prefix: str) -> int | None:
        """How many objects a store or folder holds below a prefix; None for what has none to count."""
