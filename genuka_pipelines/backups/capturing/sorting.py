"""Row hashes in order, many more than memory holds: sorted runs in a nameless file, merged range by range.

Hashes are spread evenly, so a range of them holds the same share of every run; that is what keeps the
merge flat at a hundred million rows.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.uint64]
"""Prefixes of row hashes as n rows of two little-endian numbers of 64 bits."""
RUN_ROWS = 1 << 18
_SPAN = 1 << 64


@dataclass(frozen=True, slots=True)
class Rows:
    """Prefixes sorted by their first half, and the owner number of each."""

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]
    owners: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.first)

    def part(self, start: int, stop: int) -> Rows:
        """From one position to before another."""
        return Rows(self.first[start:stop], self.second[start:stop], self.owners[start:stop])

    def where(self, wanted: NDArray[np.bool_]) -> Rows:
        """Those that are wanted, in order."""
        return Rows(self.first[wanted], self.second[wanted], self.owners[wanted])

    def between(self, first: int, last: int) -> tuple[int, int]:
        """The positions of the first halves between two bounds, both included."""
        start = np.searchsorted(self.first, np.uint64(first), side="left")
        return int(start), int(np.searchsorted(self.first, np.uint64(last), side="right"))

    def positions(
        self, first: NDArray[np.uint64], second: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Whether each of these (sorted by the first half) is here, and where."""
        at = np.searchsorted(self.first, first)
        known = np.zeros(len(first), dtype=np.bool_)
        # Different rows may share their first half: step on while it fits and the second does not.
        open_ = np.arange(len(first))
        while len(open_):
            open_ = open_[at[open_] < len(self)]
            open_ = open_[self.first[at[open_]] == first[open_]]
            right = self.second[at[open_]] == second[open_]
            known[open_[right]] = True
            open_ = open_[~right]
            at[open_] += 1
        return known, at

    @property
    def prefixes(self) -> NDArray[np.uint8]:
        """The prefixes as they were hashed: n rows of 16 bytes."""
        both = np.stack((self.first, self.second), axis=1).astype("<u8", copy=False)
        return both.view(np.uint8).reshape(-1, 16)

    @classmethod
    def of(cls, parts: list[Rows]) -> Rows:
        """Several together, sorted."""
        first = np.concatenate([part.first for part in parts])
        order = np.argsort(first)
        return cls(
            first[order],
            np.concatenate([part.second for part in parts])[order],
            np.concatenate([part.owners for part in parts])[order],
        )


class Earlier(Protocol):
    """The index before, as far as merging reaches."""

    def kept(self, first: int, last: int) -> Rows:
        """Its rows of a range that stay."""


class Newcomers:
    """Rows to be added to an index, in any order; more than a quarter of a million of them wait in a nameless file."""

    def __init__(self, folder: Path, run_rows: int = RUN_ROWS) -> None:
        self._folder, self._run_rows = folder, run_rows
        self._waiting: list[Rows] = []
        self._runs: list[Rows] = []
        self._sources: list[mmap.mmap] = []
        self._count = self._held = 0

    def __len__(self) -> int:
        return self._count

    def add(self, prefixes: Halves, owners: NDArray[np.uint32]) -> None:
        """Rows that the index does not know."""
        if len(owners):
            # Copies: what is given may be a view of a whole batch.
            self._waiting.append(Rows(prefixes[:, 0].copy(), prefixes[:, 1].copy(), owners.astype(np.uint32)))
            self._held += len(owners)
            self._count += len(owners)
        if self._held >= self._run_rows:
            run, source = _on_disk(Rows.of(self._waiting), self._folder)
            self._runs.append(run)
            self._sources.append(source)
            self._waiting, self._held = [], 0

    def runs(self) -> list[Rows]:
        """Sorted runs of everything that was added."""
        return [*self._runs, *([Rows.of(self._waiting)] if self._waiting else [])]

    def forget_pages(self) -> None:
        """Give back the memory through which the runs were read."""
        for source in self._sources:
            source.madvise(mmap.MADV_DONTNEED)


def merged(before: Earlier | None, newcomers: Newcomers, steps: int) -> Iterator[Rows]:
    """What stays and what is new, sorted, in `steps` ranges of hashes."""
    runs = newcomers.runs()
    bounds = [_SPAN * step // steps for step in range(steps + 1)]
    for first, following in pairwise(bounds):
        parts = [run.part(*run.between(first, following - 1)) for run in runs]
        if before is not None:
            parts.append(before.kept(first, following - 1))
        if parts:
            yield Rows.of(parts)
            newcomers.forget_pages()


def _on_disk(rows: Rows, folder: Path) -> tuple[Rows, mmap.mmap]:
    """The same rows, read from a file that is gone once nobody reads it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        for values in (rows.first, rows.second, rows.owners):
            file.write(values.tobytes())
        file.flush()
        source = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    return columns(source, len(rows)), source


def columns(source: mmap.mmap, count: int, offset: int = 0) -> Rows:
    """Rows in a file: all first halves, all second halves, all owners."""
    first = np.frombuffer(source, dtype="<u8", count=count, offset=offset)
    second = np.frombuffer(source, dtype="<u8", count=count, offset=offset + 8 * count)
    return Rows(first, second, np.frombuffer(source, dtype="<u4", count=count, offset=offset + 16 * count))
