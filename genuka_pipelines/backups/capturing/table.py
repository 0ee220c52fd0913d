"""One table read once: what is new goes to its owner, what is gone is told, and the sums must come out even.

An index that lies would leave rows out of every later backup; so what the chain held, and what this read
adds and takes away, must be what was read, for every owner, or the table is read again and written whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.backups.capturing.ahead import ahead
from genuka_pipelines.backups.capturing.batch import Batch, Numbers, Texts
from genuka_pipelines.backups.capturing.index import RowIndex, RowsRepeated, write_index
from genuka_pipelines.backups.capturing.sorting import Newcomers
from genuka_pipelines.backups.capturing.spool import Spool
from genuka_pipelines.backups.capturing.state import Held
from genuka_pipelines.backups.digest import Digest, Sums, limbs
from genuka_pipelines.backups.format.fragment import Heading
from genuka_pipelines.backups.hashing import RowHasher

Indexed = Literal["written", "kept", "none"]
_FORGET_EVERY = 1 << 18


class IndexLies(Exception):
    """The index and the chains of some owner disagree: read the table again, and write it whole."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A table to be read: its number of a place and name, the backup of tonight, and what the chains hold of it.

    `held` are the owners whose chain can be gone on with; anyone else's rows are written whole. `index` is
    None where everybody's are. `attempt` counts from 0.
    """

    place: int
    table: str
    backup: str
    held: Mapping[int, Held]
    index: RowIndex | None
    attempt: int = 0

    def heading(self, kind: str) -> Heading:
        """The heading of texts of a kind."""
        return Heading(self.place, self.table, kind, self.attempt)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Read:
    """What a table held: rows, the owners whose chains change, those of whom nothing need be written, and its index.

    `index` tells whether its index was written, stays as it was, or cannot be, rows being the same as others.
    """

    rows: int
    changes: tuple[tuple[int, Held], ...]
    unchanged: frozenset[int]
    index: Indexed


class TableReader:
    """Reads tables of one night. Safe between threads."""

    def __init__(self, hasher: RowHasher, numbers: Callable[[str | None], int], spool: Spool, folder: Path) -> None:
        self._hasher, self._numbers, self._spool, self._folder = hasher, Numbers(numbers), spool, folder

    def read(self, reading: Reading, blocks: Iterator[bytes], index_file: Path) -> Read:
        """Read a table to its end and write its index of tonight. RowsRepeated or IndexLies: read it again, whole."""
        work = _Work(reading, self._folder)
        with closing(ahead(blocks)) as gathered:
            for block in gathered:
                for heading, texts in work.take(Batch(block, self._hasher), self._numbers):
                    self._spool.add(heading, texts)
        for heading, texts in work.gone():
            self._spool.add(heading, texts)
        return work.result(self._indexed(reading.index, work.fresh, index_file))

    def _indexed(self, before: RowIndex | None, fresh: Newcomers, file: Path) -> Indexed:
        if before is not None and before.seen == len(before) and not len(fresh):
            return "kept"
        try:
            write_index(file, before, fresh)
        except RowsRepeated:
            if before is not None:
                raise
            return "none"
        return "written"


class _Work:
    def __init__(self, reading: Reading, folder: Path) -> None:
        self._reading = reading
        self.fresh = Newcomers(folder)
        self._read, self._new, self._gone = Sums(), Sums(), Sums()
        self._looked = 0
        self._going_on = np.zeros(max(reading.held, default=0) + 1, dtype=np.bool_)
        if reading.index is not None:
            self._going_on[list(reading.held)] = True

    def take(self, batch: Batch, numbers: Numbers) -> Iterator[tuple[Heading, Iterable[Texts]]]:
        """Count a batch; what of it is to be written, by heading."""
        index = self._reading.index
        if index is None:
            rows = batch.rows(None, numbers)
            self.fresh.add(batch.hashes, rows.owners)
            self._read.add(rows.owners, limbs(batch.hashes))
            yield self._reading.heading("base"), rows.texts()
            return
        found = index.find(batch.hashes)
        owners, unknown = found.owners, ~found.known
        rows = batch.rows(unknown, numbers)
        owners[unknown] = rows.owners
        self._looked += len(batch)
        if self._looked >= _FORGET_EVERY:
            index.forget_pages()
            self._looked = 0
        new = batch.hashes[unknown]
        self.fresh.add(new, rows.owners)
        self._read.add(owners, limbs(batch.hashes))
        goes_on = self._goes_on(rows.owners)
        self._new.add(rows.owners[goes_on], limbs(new[goes_on]))
        yield self._reading.heading("rows"), rows.texts(goes_on)
        whole = ~self._goes_on(owners)
        if whole.any():
            yield self._reading.heading("base"), batch.rows(whole, numbers).texts()

    def gone(self) -> Iterator[tuple[Heading, Iterable[Texts]]]:
        """The prefixes of rows that were not met again, by owner."""
        if self._reading.index is None:
            return
        for part in self._reading.index.gone():
            rows = part.where(self._goes_on(part.owners))
            prefixes = rows.prefixes
            self._gone.add(rows.owners, limbs(prefixes))
            order = np.argsort(rows.owners, kind="stable")
            yield self._reading.heading("gone"), _by_owner(rows.owners[order], prefixes[order])

    def result(self, index: Indexed) -> Read:
        """What is to be said of the table; IndexLies where the sums do not come out even."""
        reading, changes, unchanged = self._reading, [], []
        for owner in sorted({*self._read.owners(), *reading.held}):
            before = reading.held.get(owner)
            rows, digest = self._read.rows_of(owner), self._read.of(owner)
            if before is not None and reading.index is not None:
                self._prove(owner, before, rows, digest)
            if before is not None and (before.rows, before.digest) == (rows, digest):
                unchanged.append(owner)
                continue
            base = before.base if before is not None and reading.index is not None else reading.backup
            changes.append((owner, Held(rows, digest, base)))
        return Read(int(self._read.rows.sum()), tuple(changes), frozenset(unchanged), index)

    def _prove(self, owner: int, before: Held, rows: int, digest: Digest) -> None:
        expected = before.digest + self._new.of(owner) - self._gone.of(owner)
        counted = before.rows + self._new.rows_of(owner) - self._gone.rows_of(owner)
        if (expected, counted) != (digest, rows):
            raise IndexLies

    def _goes_on(self, owners: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Of each row, whether its owner's chain is gone on with."""
        known = owners < len(self._going_on)
        return known & self._going_on[np.where(known, owners, 0)]


def _by_owner(owners: NDArray[np.uint32], prefixes: NDArray[np.uint8]) -> Iterator[Texts]:
    cuts = np.flatnonzero(owners[1:] != owners[:-1]) + 1
    bounds = [0, *cuts.tolist(), len(owners)] if len(owners) else []
    for start, stop in pairwise(bounds):
        yield int(owners[start]), prefixes[start:stop].tobytes(), stop - start
