"""Asks about many keys, one by one and several at a time, and gives each an answer of its own.

Where a system is down or refuses us altogether, thousands of keys would each wait for the same
failure; after a few in a row the rest is answered without asking.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.content import Failure, Reason

T = TypeVar("T")
THREADS = 8
_IN_A_ROW = 5
_OF_ONE_KEY: frozenset[Reason] = frozenset({"locked", "unfit_key", "still_there"})


def ask_each(
    keys: Sequence[str],
    ask: Callable[[str], T],
    failure: Callable[[GenukaError], Failure],
    *,
    nothing: T,
    threads: int = THREADS,
) -> dict[str, T | Failure]:
    """What `ask` returns for each key, or the failure that it raised; an empty key is answered `nothing`.

    Anything but a GenukaError is a defect: it is raised, and keys not yet begun are left alone.
    """
    streak = _Streak()

    def answered(key: str) -> T | Failure:
        if not key:
            return nothing
        if streak.too_long is not None:
            return streak.too_long
        try:
            answer = ask(key)
        except GenukaError as error:
            failed = failure(error)
            streak.add(failed)
            return failed
        streak.end()
        return answer

    wanted = list(dict.fromkeys(keys))
    with ThreadPoolExecutor(max(1, min(threads, len(wanted))), thread_name_prefix="contents") as pool:
        return dict(zip(wanted, pool.map(answered, wanted), strict=True))


class _Streak:
    """Failures in a row that the next key would meet too; once too long, it stays."""

    def __init__(self) -> None:
        self.too_long: Failure | None = None
        self._length = 0
        self._lock = threading.Lock()

    def add(self, failure: Failure) -> None:
        with self._lock:
            self._length += failure.reason not in _OF_ONE_KEY
            if self._length >= _IN_A_ROW:
                self.too_long = failure

    def end(self) -> None:
        with self._lock:
            self._length = 0
