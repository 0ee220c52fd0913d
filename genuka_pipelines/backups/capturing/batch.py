"""A hashed block of lines taken apart: whose each row is, and its text without the owner's prefix.

Nothing is done for a row that can be done for a block, and rows that are backed up already are not looked
at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.backups.capturing.sorting import Halves
from genuka_pipelines.backups.digest import Limbs, limbs
from genuka_pipelines.backups.errors import CannotCapture
from genuka_pipelines.backups.hashing import Hashed

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

    def __init__(self, hashed: Hashed) -> None:
        self._block, self._groups = hashed.block, hashed.groups
        self.hashes: Limbs = limbs(hashed.hashes)
        self.prefixes: Halves = np.frombuffer(hashed.hashes, dtype="<u8").reshape(-1, 4)[:, :2]

    def __len__(self) -> int:
        return len(self.hashes)

    def by_owner(self, numbers: Numbers) -> tuple[NDArray[np.uint32], list[Texts]]:
        """Of a grouped block, the owner numbers of all its rows, and all their texts."""
        assert self._groups is not None  # noqa: S101 - asked of grouped blocks alone
        found = [(numbers[prefix], text, rows) for prefix, text, rows in self._groups]
        owners = np.array([owner for owner, _, _ in found], dtype=np.uint32)
        return np.repeat(owners, [rows for _, _, rows in found]), found

    def owners(self, wanted: NDArray[np.bool_], numbers: Numbers) -> NDArray[np.uint32]:
        """The owner numbers of the rows that are wanted."""
        block, (starts, _) = self._block, self._bounds
        found = [numbers[block[at : block.index(b"\t", at)]] for at in starts[wanted].tolist()]
        return np.array(found, dtype=np.uint32)

    def texts(self, wanted: NDArray[np.bool_], owners: NDArray[np.uint32]) -> Iterator[Texts]:
        """The rows that are wanted, joined by owner (of each row, its number)."""
        at = np.flatnonzero(wanted)
        if not len(at):
            return
        order = at[np.argsort(owners[at], kind="stable")]
        sorted_owners = owners[order]
        block, (starts, ends) = self._block, self._bounds
        rows = [
            block[block.index(b"\t", start) + 1 : end]
            for start, end in zip(starts[order].tolist(), ends[order].tolist(), strict=True)
        ]
        cuts = np.flatnonzero(sorted_owners[1:] != sorted_owners[:-1]) + 1
        for start, stop in pairwise([0, *cuts.tolist(), len(order)]):
            yield int(sorted_owners[start]), b"\n".join([*rows[start:stop], b""]), stop - start

    @cached_property
    def _bounds(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where each line begins and ends."""
        ends = np.flatnonzero(np.frombuffer(self._block, dtype=np.uint8) == _NEWLINE)
        return np.concatenate((np.zeros(1, dtype=np.intp), ends[:-1] + 1)), ends
