"""How much one run may destroy, and how fast: bounds given at its start, and a pace that may change meanwhile.

A sweep that cannot be slowed down gets killed by whoever needs the database, in the middle of a batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.control import Control
    from genuka_pipelines.systems.database import Database

_STEP = 0.05
_LAG_EVERY = 1.0
_SLOW, _FAST = 0.3, 0.1
"""Seconds: a batch that takes longer halves the next, one that takes less lets it grow."""
_LEAP = 4


@dataclass(frozen=True)
class Limits:
    """`rows` and `seconds` bound a run; a batch has between `least` and `most` rows.

    `lease` is how long the work stays reserved for a process that was killed.
    """

    rows: int | None = None
    seconds: float | None = None
    least: int = 100
    most: int = 50_000
    first: int = 10_000
    window: int = 50_000
    lease: timedelta = timedelta(seconds=30)


@dataclass
class Pace:
    """What is left of the limits, and how large the next batch should be."""

    limits: Limits
    control: Control
    watch: Callable[[], None]
    """Raises where the right to go on was lost."""
    size: int = field(init=False)
    left: int | None = field(init=False)
    longest: float = 0.0
    capped: bool = False
    _until: float | None = field(init=False)
    _asked_lag: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size, self.left = self.limits.first, self.limits.rows
        self._until = None if self.limits.seconds is None else time.monotonic() + self.limits.seconds

    def share(self, parts: int) -> float | None:
        """The end of an equal share of the time that is left, of so many; None without a bound."""
        if self._until is None:
            return None
        now = time.monotonic()
        return now + max(0.0, self._until - now) / max(1, parts)

    def go(self, database: Database, until: float | None, waiting: Callable[[], None] = lambda: None) -> bool:
        """Wait until the next batch may begin; False where a limit was reached first. Calls `waiting` as it waits."""
        while True:
            self.watch()
            if self.left == 0 or (until is not None and time.monotonic() >= until):
                self.capped = True
                return False
            asked = self.control.pace.read()
            if not asked.paused and not self._behind(database, asked.max_lag_seconds):
                self._bound = max(1, min(self.limits.most, asked.batch_rows or self.limits.most))
                self._per_second = asked.rows_per_second
                return True
            waiting()
            time.sleep(_STEP)

    def room(self) -> int:
        """The rows that the next batch may have."""
        return min(self.size, getattr(self, "_bound", self.limits.most), self.size if self.left is None else self.left)

    def took(self, rows: int, seconds: float, whole: float, waiting: Callable[[], None] = lambda: None) -> None:
        """A batch of so many rows held locks for `seconds`, and took `whole` seconds with its evidence."""
        self.longest = max(self.longest, seconds)
        if self.left is not None:
            self.left = max(0, self.left - rows)
        if seconds > _SLOW:
            self.slower()
        elif seconds < _FAST and rows >= self.size // 2:
            self.size = min(self.limits.most, self.size * (_LEAP if seconds < _FAST / _LEAP else 2))
        if self._per_second:
            end = time.monotonic() + rows / self._per_second - whole
            while (rest := end - time.monotonic()) > 0:
                waiting()
                time.sleep(min(_STEP, rest))
                if self.control.pace.read().rows_per_second != self._per_second:
                    return

    def slower(self) -> None:
        """The next batch is half as large."""
        self.size = max(self.limits.least, self.size // 2)

    def _behind(self, database: Database, bound: float | None) -> bool:
        if bound is None or time.monotonic() < self._asked_lag.get(database.name, 0.0):
            return False
        with database.connected() as connection:
            lag = database.writer.lag(connection)
        if lag is not None and lag > bound:
            return True
        self._asked_lag[database.name] = time.monotonic() + _LAG_EVERY
        return False
