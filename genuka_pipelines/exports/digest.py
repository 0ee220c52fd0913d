"""What the rows of a table add up to, so that a copy of them can be compared without being held.

The text in the order of keys has one SHA-256, which anybody can compute again. Rows that come out of two databases
are in no common order; there each row's SHA-256 is a number, and their sum says the same of any order.
"""

from __future__ import annotations

import hashlib

_MODULUS = 1 << 256


class TextDigest:
    """The SHA-256 of rows' text, or with `summed` the sum of each row's modulo 2²⁵⁶; 64 hex digits."""

    def __init__(self, *, summed: bool) -> None:
        self.summed, self.rows = summed, 0
        self._state, self._sum = hashlib.sha256(), 0

    def update(self, lines: bytes) -> None:
        """Whole lines, each with its end."""
        self.rows += lines.count(b"\n")
        if not self.summed:
            self._state.update(lines)
            return
        for line in lines.split(b"\n")[:-1]:
            self._sum += int.from_bytes(hashlib.sha256(line).digest(), "big")
        self._sum %= _MODULUS

    def hex(self) -> str:
        """The digest of all lines so far."""
        return f"{self._sum:064x}" if self.summed else self._state.hexdigest()
