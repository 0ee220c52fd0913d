"""The keyed hash of a row, AES-CMAC, worked out for the many rows of a buffer at once.

A night has to hash every row to find the few that are new. Row by row that is most of its work; here each step
takes the next 16 bytes of all rows together, so the interpreter is asked a few times for a buffer, not for a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

HASH = 16
"""Bytes of a hash."""
Hashes = NDArray[np.uint64]
"""Hashes as n rows of two little-endian numbers of 64 bits."""
Places = NDArray[np.intp]
"""Offsets into a buffer."""
_GATHERED = 64
_STEPS = _GATHERED // HASH
_TOGETHER = 1 << 15
"""Rows that are hashed together: 5 MB beside their text."""
_ALONE = 16
"""Of rows that are hashed together, so many of the longest may be hashed by themselves."""
_LONGEST = 1 << 12


class RowHasher:
    """AES-CMAC (NIST SP 800-38B, RFC 4493) under a key of 32 bytes. Safe between threads."""

    def __init__(self, key: bytes) -> None:
        self._cipher = algorithms.AES256(key)
        self._blank = CMAC(self._cipher)
        subkey = _doubled(self._ecb().update(bytes(HASH)))
        self._kept, self._last = _endings(subkey, _doubled(subkey))

    def hashes(self, lines: Sequence[bytes]) -> bytes:
        """The hashes of lines without their ends, one after the other, 16 bytes each."""
        if len(lines) <= _ALONE:
            return b"".join(map(self._one, lines))
        ends = np.fromiter(accumulate(map(len, lines)), dtype=np.intp, count=len(lines))
        starts = np.concatenate((np.zeros(1, dtype=np.intp), ends[:-1]))
        return self.of(b"".join(lines), starts, ends).tobytes()

    def of(self, text: bytes, starts: Places, ends: Places) -> Hashes:
        """The hashes of the parts of a text that begin and end there."""
        found = np.empty((len(starts), 2), dtype="<u8")
        for first in range(0, len(starts), _TOGETHER):
            part = slice(first, first + _TOGETHER)
            self._together(text, starts[part], ends[part], found[part])
        return found

    def _together(self, text: bytes, starts: Places, ends: Places, found: Hashes) -> None:
        lengths = ends - starts
        counts = np.maximum((lengths + HASH - 1) // HASH, 1)
        gathered = starts + (counts + _STEPS - 1) // _STEPS * _GATHERED
        alone = (gathered > len(text)) | (counts > _most(counts))
        for at in np.flatnonzero(alone).tolist():
            found[at] = np.frombuffer(self._one(text[starts[at] : ends[at]]), dtype="<u8")
        others = np.flatnonzero(~alone)
        if len(others):
            order = others[np.argsort((_LONGEST - counts[others]).astype(np.uint16), kind="stable")]
            found[order] = self._chained(text, starts[order], lengths[order], counts[order])

    def _chained(self, text: bytes, starts: Places, lengths: Places, counts: Places) -> Hashes:
        """The hashes of parts of so many blocks of 16 bytes, the longest first."""
        wide = as_strided(
            np.frombuffer(text, dtype=f"V{_GATHERED}", count=1), shape=(len(text) - _GATHERED + 1,), strides=(1,)
        )
        left = lengths - HASH * (counts - 1)
        ecb, at = self._ecb(), starts.copy()
        # A cipher wants room for a block more than it writes.
        sealed = bytearray(HASH * (len(starts) + 1))
        chain = np.frombuffer(sealed, dtype=np.uint64)
        blocks = np.empty(len(starts), dtype=np.complex128)
        longer = len(counts) - np.cumsum(np.bincount(counts))
        gathered: NDArray[Any] = np.empty(0)
        for step in range(int(counts[0])):
            going_on, ending = int(longer[step + 1]), int(longer[step])
            if step % _STEPS == 0:
                # What is moved as complex numbers is moved sixteen bytes at a time.
                gathered = wide[at[:ending]].view(np.complex128).reshape(-1, _STEPS)
                at[:ending] += _GATHERED
            blocks[:ending] = gathered[:ending, step % _STEPS]
            words = blocks[:ending].view(np.uint64)
            if going_on < ending:
                last, which = words.reshape(-1, 2)[going_on:], left[going_on:ending]
                last &= self._kept[which]
                last ^= self._last[which]
            if step:
                words ^= chain[: 2 * ending]
            ecb.update_into(words.data.cast("B"), sealed)
        return chain[: 2 * len(starts)].reshape(-1, 2)

    def _one(self, line: bytes) -> bytes:
        state = self._blank.copy()
        state.update(line)
        return state.finalize()

    def _ecb(self) -> CipherContext:
        return Cipher(self._cipher, modes.ECB()).encryptor()  # noqa: S305 - the chaining is CMAC's


def _most(counts: Places) -> int:
    """The most blocks of a row that is hashed with others: few long ones would keep all waiting."""
    if len(counts) <= _ALONE:
        return 0
    return min(int(np.partition(counts, -_ALONE)[-_ALONE]), _LONGEST)


def _doubled(block: bytes) -> bytes:
    """The double of a number in GF(2¹²⁸), as the standard derives its subkeys."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number ^= (1 << 128) | 0x87
    return number.to_bytes(HASH, "big")


def _endings(whole: bytes, padded: bytes) -> tuple[Hashes, Hashes]:
    """By how many bytes are in a last block, which of its bits are kept, and what is added to them."""
    kept, added = np.zeros((HASH + 1, HASH), dtype=np.uint8), np.zeros((HASH + 1, HASH), dtype=np.uint8)
    for left in range(HASH + 1):
        kept[left, :left] = 0xFF
        added[left] = np.frombuffer(whole if left == HASH else padded, dtype=np.uint8)
        if left < HASH:
            added[left, left] ^= 0x80
    return kept.view(np.uint64), added.view(np.uint64)
