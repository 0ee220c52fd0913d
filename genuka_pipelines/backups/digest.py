"""What rows add up to: a keyed hash of each row's text, and their sum, which no order of reading changes.

A count cannot tell a row from another, and a list of hashes is as long as the table; the sum is 32 bytes,
is kept per owner and table, and proves years later that a restore is what was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.backups.hashing import HASH as HASH
from genuka_pipelines.backups.hashing import RowHasher as RowHasher

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring

PREFIX = 16
"""Bytes by which a row that is gone is told: the whole of its hash."""
_LIMBS = 4
_MODULUS = 1 << 256
_CARRY_AFTER = 1 << 31
_EXACT = 1 << 20
"""Rows whose limbs may be added up as floats without losing a bit: 32 bits and these 20 are below 53."""
Limbs = NDArray[np.uint32]
"""Row hashes as n rows of four 32-bit limbs, least significant first: a hash is a little-endian number."""


def row_key(keyring: Keyring) -> bytes:
    """The 32 secret bytes under which rows are hashed. They never rotate, as no row could be told from another."""
    return keyring.erasure.digest(b"genuka row hash 2\x1f")


def limbs(hashes: bytes | NDArray[np.uint64] | NDArray[np.uint8]) -> Limbs:
    """Hashes as numbers, without a copy."""
    return np.frombuffer(hashes, dtype="<u4").reshape(-1, _LIMBS)


@dataclass(frozen=True, slots=True)
class Digest:
    """The sum of row hashes, read as little-endian numbers, modulo 2²⁵⁶; zero for no rows."""

    value: int = 0

    @classmethod
    def of(cls, hashes: bytes) -> Self:
        """The digest of hashes."""
        return cls.of_sums(limbs(hashes).sum(axis=0, dtype=np.uint64))

    @classmethod
    def of_sums(cls, sums: NDArray[np.uint64]) -> Self:
        """The digest of the sums of limbs."""
        return cls(sum(int(part) << (32 * place) for place, part in enumerate(sums)) % _MODULUS)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest that `hex` wrote."""
        return cls(int(text, 16) % _MODULUS)

    @property
    def hex(self) -> str:
        """The number in 64 hex digits, most significant first."""
        return f"{self.value:064x}"

    def __add__(self, other: Digest) -> Digest:
        return Digest((self.value + other.value) % _MODULUS)

    def __sub__(self, other: Digest) -> Digest:
        return Digest((self.value - other.value) % _MODULUS)


class Sums:
    """Rows and digests by owner number, dense: 48 bytes an owner whatever the rows."""

    def __init__(self) -> None:
        self._sums = np.zeros((_LIMBS, 0), dtype=np.uint64)
        self._rows = np.zeros(0, dtype=np.int64)
        self._uncarried = 0

    def add(self, owners: NDArray[np.uint32], hashes: Limbs) -> None:
        """Count rows: the owner number of each, and its hash."""
        for first in range(0, len(owners), _EXACT):
            self._add(owners[first : first + _EXACT], hashes[first : first + _EXACT])

    def _add(self, owners: NDArray[np.uint32], hashes: Limbs) -> None:
        most = int(owners.max())
        self._reach(most + 1)
        # A batch of few rows must not cost as much as there are owners.
        which, place = (None, owners) if most < 2 * len(owners) else np.unique(owners, return_inverse=True)
        there: Any = slice(most + 1) if which is None else which.astype(np.intp)
        for sums, limb in zip(self._sums, hashes.T, strict=True):
            sums[there] += np.bincount(place, weights=limb).astype(np.uint64)
        self._rows[there] += np.bincount(place)
        self._uncarried += len(owners)
        if self._uncarried > _CARRY_AFTER:
            self._carry()

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows by owner number; numbers beyond its end have none."""
        return self._rows

    def rows_of(self, owner: int) -> int:
        """The rows of an owner."""
        return int(self._rows[owner]) if owner < len(self._rows) else 0

    def of(self, owner: int) -> Digest:
        """The digest of an owner's rows."""
        return Digest.of_sums(self._sums[:, owner]) if owner < len(self._rows) else Digest()

    def owners(self) -> Iterator[int]:
        """The numbers of owners with rows, rising."""
        return map(int, np.flatnonzero(self._rows))

    def total(self) -> Digest:
        """The digest of all rows together."""
        return sum((self.of(owner) for owner in self.owners()), Digest())

    def _carry(self) -> None:
        over = self._sums[:-1] >> np.uint64(32)
        self._sums[:-1] &= np.uint64(0xFFFFFFFF)
        self._sums[1:] += over
        self._uncarried = 0

    def _reach(self, count: int) -> None:
        if count > len(self._rows):
            more = max(count, 2 * len(self._rows)) - len(self._rows)
            self._sums = np.concatenate((self._sums, np.zeros((_LIMBS, more), dtype=np.uint64)), axis=1)
            self._rows = np.concatenate((self._rows, np.zeros(more, dtype=np.int64)))
