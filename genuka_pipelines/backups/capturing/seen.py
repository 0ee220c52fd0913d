"""Which rows of an index a read has met: one byte a row, in a nameless file where there are very many."""

from __future__ import annotations

import tempfile

import numpy as np
from numpy.typing import NDArray

_IN_MEMORY = 1 << 24


class Seen:
    """Marks by position; `count` of them are set."""

    def __init__(self, rows: int) -> None:
        self.count = 0
        if rows <= _IN_MEMORY:
            self._marks: NDArray[np.bool_] = np.zeros(rows, dtype=np.bool_)
        else:
            with tempfile.TemporaryFile() as file:
                file.truncate(rows)
                self._marks = np.memmap(file, dtype=np.bool_, shape=(rows,))

    def mark(self, positions: NDArray[np.intp]) -> bool:
        """Mark positions, all different; whether one of them was marked before."""
        if self._marks[positions].any():
            return True
        self._marks[positions] = True
        self.count += len(positions)
        return False

    def part(self, start: int, stop: int) -> NDArray[np.bool_]:
        """The marks from one position to before another."""
        return self._marks[start:stop]
