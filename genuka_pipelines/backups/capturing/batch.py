"""A block of lines hashed and taken apart: whose each row is, and its text without the owner's prefix.

Nothing is done for a row that can be done for a block, and rows that are backed up already are not looked
at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.backups.errors import CannotCapture
from genuka_pipelines.backups.hashing import Hashes, RowHasher

_UNESCAPED = {b"\\": b"\\", b"t": b"\t", b"n": b"\n", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
NULL = rb"\N"
_NEWLINE = 10
Texts = tuple[int, bytes, int]
"""The number of an owner, rows of it without their prefix, and how many they are."""


class Numbers(dict[bytes, int]):
    """The owner number of a row's prefix as it is streamed, found once for each prefix."""

    def __init__(self, number: Callable[[str | None], int]) -> None:
        self._number = number

    def __missing__(self, prefix: bytes) -> int:
        found = self[prefix] = self._number(tenant_in(prefix))
        return found


def tenant_in(prefix: bytes) -> str | None:
    """The tenant that a prefix names; None for none."""
    if prefix == NULL:
        return None
    first, *others = prefix.split(b"\\")
    text, pending = [first], False
    for part in others:
        # An empty part is the first of two backslashes, and what follows is as it stands.
        if pending:
            text.append(part)
            pending = False
        elif not part:
            text.append(b"\\")
            pending = True
        else:
            text.append(_UNESCAPED.get(part[:1], part[:1]) + part[1:])
    try:
        return b"".join(text).decode()
    except UnicodeDecodeError:
        raise CannotCapture(
            "the key of a tenant is no text in UTF-8: correct it where rows name their tenant"
        ) from None


class Batch:
    """One block of lines `<prefix>\\t<row>\\n`, hashed."""

    def __init__(self, block: bytes, hasher: RowHasher) -> None:
        self._block = block
        self._ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _NEWLINE)
        self._starts = np.concatenate((np.zeros(1, dtype=np.intp), self._ends[:-1] + 1))
        self.hashes: Hashes = hasher.of(block, self._starts, self._ends)

    def __len__(self) -> int:
        return len(self.hashes)

    def rows(self, wanted: NDArray[np.bool_] | None, numbers: Numbers) -> Picked:
        """The rows that are wanted (None for all), each with its owner."""
        block = self._block
        starts, ends = (self._starts, self._ends) if wanted is None else (self._starts[wanted], self._ends[wanted])
        from_, to = starts.tolist(), ends.tolist()
        heads = [block.index(b"\t", start) for start in from_]
        prefixes = map(block.__getitem__, map(slice, from_, heads))
        owners = np.fromiter(map(numbers.__getitem__, prefixes), dtype=np.uint32, count=len(heads))
        return Picked(block, owners, heads, to)


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows of a block, in its order: the owner number of each, and where its text lies."""

    block: bytes
    owners: NDArray[np.uint32]
    heads: list[int]
    ends: list[int]

    def texts(self, wanted: NDArray[np.bool_] | None = None) -> Iterator[Texts]:
        """The texts of the rows that are wanted (None for all), joined by owner."""
        at = np.arange(len(self.owners)) if wanted is None else np.flatnonzero(wanted)
        if not len(at):
            return
        order = at[np.argsort(self.owners[at], kind="stable")]
        owners, block, heads, ends = self.owners[order], self.block, self.heads, self.ends
        rows = [block[heads[row] + 1 : ends[row] + 1] for row in order.tolist()]
        cuts = np.flatnonzero(owners[1:] != owners[:-1]) + 1
        for start, stop in pairwise([0, *cuts.tolist(), len(rows)]):
            yield int(owners[start]), b"".join(rows[start:stop]), stop - start
