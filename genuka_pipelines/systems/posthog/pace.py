"""How often PostHog may be asked: its limits are per team, shared with the people who use it.

A sweep that used them up would lock analysts out for an hour, so ours is a share, held in windows as
PostHog counts them, and what PostHog itself asks us to wait holds every thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from genuka_pipelines.systems.posthog.errors import OutOfTime


class Pace:
    """Turns for requests, at most so many a minute and an hour; safe to share between threads.

    Times are seconds of `clock`. What an earlier process asked is not known, only felt by a wait.
    """

    def __init__(
        self,
        per_minute: int,
        per_hour: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.now, self._sleep = clock, sleep
        self._windows = [_Window(per_minute, 60.0), _Window(per_hour, 3600.0)]
        self._held_until = clock()
        self._lock = threading.Lock()

    def turn(self, deadline: float) -> None:
        """Wait for the next turn; OutOfTime, at once, where it would come after the deadline."""
        with self._lock:
            at = max(self.now(), self._held_until, *(window.free_at() for window in self._windows))
            if at > deadline:
                raise OutOfTime(
                    "PostHog may not be asked more often, and the time for this is over: it goes on next time"
                )
            for window in self._windows:
                window.take(at)
        self._wait_until(at, deadline)
        while (held := self._held_until) > self.now():  # another thread was told to wait meanwhile
            self._wait_until(held, deadline)

    def hold(self, seconds: float) -> None:
        """Give nobody a turn for so long."""
        with self._lock:
            self._held_until = max(self._held_until, self.now() + seconds)

    def pause(self, seconds: float, deadline: float) -> bool:
        """Wait before another try; False, at once, where that would end after the deadline."""
        if self.now() + seconds > deadline:
            return False
        self._sleep(seconds)
        return True

    def _wait_until(self, at: float, deadline: float) -> None:
        if at > deadline:
            raise OutOfTime("PostHog asks to wait for longer than the time for this: it goes on next time")
        if (wait := at - self.now()) > 0:
            self._sleep(wait)


class _Window:
    """The turns of the last `seconds`, of which there may be `most`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._seconds = seconds
        self._taken = deque[float](maxlen=most)

    def free_at(self) -> float:
        """When the next turn may be; any time where not all are taken."""
        full = len(self._taken) == self._taken.maxlen
        return self._taken[0] + self._seconds if full else float("-inf")

    def take(self, at: float) -> None:
        self._taken.append(at)
