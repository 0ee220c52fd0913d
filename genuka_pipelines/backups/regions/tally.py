"""What a run across regions has done so far, counted by many threads and told as it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

Progress = Callable[[int, int], None]
"""Told after each object: how many objects are done, and how many bytes were copied or read for it."""
Carried = Literal["already", "copied", "missing"]


class Tally:
    """Objects copied (and their bytes), already there, missing, and differing between the regions, by key."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._alone, self._progress = threading.Lock(), progress
        self.copied = self.already = self.bytes = 0
        self.missing: set[str] = set()
        self.differing: set[str] = set()

    def add(self, done: Carried, key: str, size: int = 0) -> None:
        """One more object."""
        with self._alone:
            if done == "missing":
                self.missing.add(key)
            elif done == "copied":
                self.copied, self.bytes = self.copied + 1, self.bytes + size
            else:
                self.already += 1
            if self._progress is not None:
                self._progress(self.copied + self.already, self.bytes)

    def differs(self, key: str) -> None:
        """An object that is never rewritten is not the same in both regions."""
        with self._alone:
            self.differing.add(key)
