"""Rows of a backup into the tables of a quarantine, those of many nights at once.

Each load of a table has a connection of its own, which costs more than the rows of a small tenant's night; after four
weeks of nights a restore would mostly connect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.backups.restoring.reading import Run

SMALL = 1 << 20
"""Bytes of a run that is held until others of its table have come."""
HELD = 8 << 20
"""Bytes that are held of all tables."""
Load = Callable[["Run", Iterator[bytes]], None]
"""Puts lines, in blocks, into the table of a run."""


class Filling:
    """Loads runs as they come; small ones of a table together, at the latest when `finish` is called."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._held: dict[tuple[object, str], tuple[Run, list[bytes]]] = {}
        self.waiting = 0
        """Bytes that are held."""

    def add(self, run: Run) -> None:
        """Take a run to its end."""
        begun, size = [], 0
        for block in run.blocks:
            begun.append(block)
            size += len(block)
            if size > SMALL:
                self._load(run, chain(begun, run.blocks))
                return
        if begun:
            self._held.setdefault((run.where, run.table), (run, []))[1].extend(begun)
            self.waiting += size
        if self.waiting > HELD:
            self.finish()

    def finish(self) -> None:
        """Load what is held."""
        for run, blocks in self._held.values():
            self._load(run, iter(blocks))
        self._held, self.waiting = {}, 0
