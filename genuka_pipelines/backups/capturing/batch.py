"""A block of lines taken apart: whose each row is, its hash, and its text without the owner's prefix.

This is where a night spends its time, so nothing is done for a row that can be done for a block, and
rows that are backed up already are hashed and not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.backups.capturing.sorting import Halves
from genuka_pipelines.backups.digest import Limbs, RowHasher, limbs
from genuka_pipelines.backups.errors import CannotCapture

_UNESCAPED = {b"\\": b"\\", b"t": b"\t", b"n": b"\n", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
NULL = rb"\N"


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
        self.block = block
        self._lines = block.split(b"\n")
        self._lines.pop()
        hashes = hasher.hashes(self._lines)
        self.hashes: Limbs = limbs(hashes)
        self.prefixes: Halves = np.frombuffer(hashes, dtype="<u8").reshape(-1, 4)[:, :2]

    def __len__(self) -> int:
        return len(self._lines)

    def owners(self, wanted: NDArray[np.bool_], numbers: Numbers) -> NDArray[np.uint32]:
        """The owner numbers of the rows that are wanted."""
        lines = self._lines if wanted.all() else [self._lines[at] for at in np.flatnonzero(wanted)]
        found = [numbers[line[: line.index(b"\t")]] for line in lines]
        return np.array(found, dtype=np.uint32)

    def texts(self, wanted: NDArray[np.bool_], owners: NDArray[np.uint32]) -> Iterator[tuple[int, bytes, int]]:
        """The rows that are wanted, joined by owner (of each row, its number): owner, text, rows."""
        at = np.flatnonzero(wanted)
        if not len(at):
            return
        order = at[np.argsort(owners[at], kind="stable")]
        sorted_owners = owners[order]
        cuts = np.flatnonzero(sorted_owners[1:] != sorted_owners[:-1]) + 1
        if not len(cuts) and len(at) == len(self._lines):
            yield int(sorted_owners[0]), self._all(), len(at)
            return
        lines = self._lines
        rows = [lines[place].partition(b"\t")[2] for place in order.tolist()]
        bounds = [0, *cuts.tolist(), len(order)]
        for start, stop in pairwise(bounds):
            yield int(sorted_owners[start]), b"\n".join([*rows[start:stop], b""]), stop - start

    def _all(self) -> bytes:
        """Every row without its prefix, all being of one owner: a newline is nowhere but at the end of a line."""
        lead = self._lines[0][: self._lines[0].index(b"\t") + 1]
        return self.block.replace(b"\n" + lead, b"\n")[len(lead) :]
