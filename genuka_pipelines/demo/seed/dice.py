"""Chance that always falls the same way: a random stream for every subject, named by its path.

Each subject draws from a stream of its own, so a column added to one table leaves every other table
as it was; one shared stream would change the whole Genuka with each edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genuka_pipelines.demo.seed.arrays import Array, Bools, Floats, Ints, fixed_width, take

_CROCKFORD = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
# Chance spells words too: without c and v it never writes "cvv" before some digits.
_SILENT = np.frombuffer(b"0123456789abbdefghjkmnpqrstwwxyz", dtype=np.uint8)
_LETTERS = np.frombuffer(b"ABDEFGHIJKLMNOPQRSTUWXYZabdefghijklmnopqrstuwxyzABDEFGHIJKLMNOPQ", dtype=np.uint8)


class Dice:
    """A stream of chance that depends on its path and on nothing else."""

    def __init__(self, *path: int | str) -> None:
        entropy = [part if isinstance(part, int) else _number(part) for part in path]
        self._rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))
        self._path = path

    def branch(self, *path: int | str) -> Dice:
        """Another stream, for a part of the subject."""
        return Dice(*self._path, *path)

    def below(self, size: int | Ints, length: int) -> Ints:
        """Whole numbers from 0 up to, not including, the size (one size, or one a row)."""
        drawn: Ints = (self._rng.random(length) * size).astype(np.int64)
        return drawn

    def unit(self, length: int) -> Floats:
        """Numbers from 0 up to, not including, 1."""
        return self._rng.random(length)

    def chance(self, length: int, share: float | Floats) -> Bools:
        """True for about this share of the rows."""
        return self._rng.random(length) < share

    def weighted(self, length: int, weights: Sequence[float] | Floats) -> Ints:
        """Places in the weights, each as often as its weight says."""
        edges = np.cumsum(weights)
        places = np.searchsorted(edges[:-1], self._rng.random(length) * edges[-1], side="right")
        drawn: Ints = places.astype(np.int64)
        return drawn

    def among(self, values: Array | Sequence[str | None], length: int) -> Array:
        """Values of a pool, each as likely as another."""
        return take(values, self.below(len(values), length))

    def between(self, low: Ints | int, high: Ints | int, length: int) -> Ints:
        """Whole numbers from low up to, not including, high; low itself where high is not above."""
        width = np.maximum(np.asarray(high) - np.asarray(low), 0)
        drawn: Ints = (np.asarray(low) + self._rng.random(length) * width).astype(np.int64)
        return drawn

    def shuffled(self, length: int) -> Ints:
        """The numbers from 0 up to the length, in some order."""
        return self._rng.permutation(length)

    def ulids(self, seconds: Ints) -> Array:
        """Lower-case ULIDs made within these Unix seconds."""
        rows = len(seconds)
        made = np.empty((rows, 26), dtype=np.uint8)
        rest = seconds * 1000 + self.below(1000, rows)
        for place in range(9, -1, -1):
            made[:, place] = _CROCKFORD[rest & 31]
            rest = rest >> 5
        made[:, 10:] = _SILENT[self._bytes(rows, 16) & 31]
        return fixed_width(made)

    def hexes(self, length: int, width: int) -> Array:
        """Strings of this many hexadecimal digits, a letter in every eight.

        Left to chance, one token in some hundreds would hold a run of digits that passes for a card.
        """
        made = _HEX[self._bytes(length, width) & 15]
        made[:, 7::8] = _HEX[10 + self._bytes(length, width // 8) % 6]
        return fixed_width(made)

    def letters(self, length: int, width: int) -> Array:
        """Strings of this many letters; no digits, which could come to look like a card number."""
        return fixed_width(_LETTERS[self._bytes(length, width) & 63])

    def _bytes(self, rows: int, width: int) -> NDArray[Any]:
        return np.frombuffer(self._rng.bytes(rows * width), dtype=np.uint8).reshape(rows, width)


def _number(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
