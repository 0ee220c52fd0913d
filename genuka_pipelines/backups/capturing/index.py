"""Which rows of a table are backed up already: 16 bytes of each row's hash, sorted, and whose the row is.

Without it a night would write everything again, or trust the application to say what changed. It is
disposable: whatever is wrong with it is recognised, and costs a base instead of a backup.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.backups.capturing.seen import Seen
from genuka_pipelines.backups.capturing.sorting import Halves, Newcomers, Rows, columns, merged
from genuka_pipelines.backups.errors import IndexUnusable

FORMAT = 2
_HEADER = 4096
_STEP = 1 << 17
"""Rows that are looked at together where a whole index is gone through: 10 MB with what is made of them."""
_READ = 1 << 22


class RowsRepeated(Exception):
    """Two rows of a table have the same text, so neither can be told from the other: write the table whole."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of each row asked for, whether it is known, and then the number of its owner (else 0)."""

    known: NDArray[np.bool_]
    owners: NDArray[np.uint32]


class RowIndex:
    """The index of one table, opened for one read of it: first `find` every row, then ask what is `gone`."""

    def __init__(self, rows: Rows, source: mmap.mmap | None) -> None:
        self._all, self._source = rows, source
        self._seen = Seen(len(rows))

    @classmethod
    def open(cls, path: Path) -> RowIndex:
        """The index in a file, every byte of it checked; IndexUnusable where it is not as it was written."""
        try:
            with path.open("rb") as file:
                count, digest = _header(file, path)
                size = os.fstat(file.fileno()).st_size
                if size != _HEADER + 20 * count or _digest(file) != digest:
                    raise _unusable(path)
                source = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except OSError:
            raise _unusable(path) from None
        return cls(columns(source, count, _HEADER), source)

    def __len__(self) -> int:
        return len(self._all)

    def find(self, prefixes: Halves) -> Found:
        """Which of a batch of rows are known; those are taken as seen. RowsRepeated where one comes twice."""
        order = np.argsort(prefixes[:, 0])
        first, second = prefixes[order, 0], prefixes[order, 1]
        if _repeated(first, second):
            raise RowsRepeated
        known, at = self._all.positions(first, second)
        if self._seen.mark(at[known]):
            raise RowsRepeated
        owners = np.zeros(len(order), dtype=np.uint32)
        owners[known] = self._all.owners[at[known]]
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return Found(known[back], owners[back])

    def gone(self) -> Iterator[Rows]:
        """The rows that no `find` has met, in bounded parts."""
        for part, seen in self._parts():
            yield part.where(~seen)

    def kept(self, first: int, last: int) -> Rows:
        """The rows that were seen whose first half lies between two bounds, both included."""
        start, stop = self._all.between(first, last)
        return self._all.part(start, stop).where(self._seen.part(start, stop))

    @property
    def seen(self) -> int:
        """How many of its rows were met."""
        return self._seen.count

    def forget_pages(self) -> None:
        """Give back the memory through which the file was read; the next look reads it again."""
        if self._source is not None and len(self._all):
            self._source.madvise(mmap.MADV_DONTNEED)

    def _parts(self) -> Iterator[tuple[Rows, NDArray[np.bool_]]]:
        for start in range(0, len(self._all), _STEP):
            stop = min(start + _STEP, len(self._all))
            yield self._all.part(start, stop), self._seen.part(start, stop)
            self.forget_pages()


def write_index(path: Path, before: RowIndex | None, newcomers: Newcomers) -> int:
    """Write the index of tonight: the rows of `before` that were seen, and the new ones; their number.

    The file appears whole or not at all. RowsRepeated where two rows are the same; nothing is written then.
    """
    count = (before.seen if before else 0) + len(newcomers)
    aside = path.with_name(f"{path.name}.part")
    try:
        with aside.open("w+b") as file:
            file.truncate(_HEADER + 20 * count)
            at = 0
            for part in merged(before, newcomers, steps=max(1, count // _STEP)):
                if _repeated(part.first, part.second):
                    raise RowsRepeated
                written: tuple[tuple[NDArray[Any], int, int], ...] = (
                    (part.first, 0, 8),
                    (part.second, 8, 8),
                    (part.owners, 16, 4),
                )
                for values, start, width in written:
                    file.seek(_HEADER + start * count + width * at)
                    file.write(values.tobytes())
                at += len(part)
                if before:
                    before.forget_pages()
            said = {"format": FORMAT, "rows": count, "sha256": _digest(file)}
            file.seek(0)
            file.write(json.dumps(said).encode().ljust(_HEADER - 1) + b"\n")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return count


def _repeated(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> bool:
    """Whether two rows of a batch, sorted by their first halves, are the same."""
    alike = np.flatnonzero(first[1:] == first[:-1])
    if not len(alike):
        return False
    doubtful = np.isin(first, first[alike])
    pairs = np.stack((first[doubtful], second[doubtful]), axis=1)
    return len(np.unique(pairs, axis=0)) < len(pairs)


def _header(file: BinaryIO, path: Path) -> tuple[int, str]:
    try:
        said = json.loads(file.read(_HEADER))
        if said["format"] == FORMAT:
            return int(said["rows"]), str(said["sha256"])
    except (ValueError, KeyError, TypeError):
        pass
    raise _unusable(path)


def _digest(file: BinaryIO) -> str:
    file.seek(_HEADER)
    state = hashlib.sha256()
    while block := file.read(_READ):
        state.update(block)
    return state.hexdigest()


def _unusable(path: Path) -> IndexUnusable:
    return IndexUnusable(
        f"the row index {path.name} is not as it was written: remove it, and the next backup writes its table whole"
    )
