"""Tables side by side: while a server sorts one, another is written.

Memory is that of so many at work, however many there are; the first error ends it all, with nothing half taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WORKERS = 2
_One = TypeVar("_One")


def each(everything: Iterable[_One], workers: int, do: Callable[[_One, int], object]) -> None:
    """Do it with each, in so many threads; `do` is told which of them (0 …) it is in. The first error is raised."""
    waiting = deque(everything)

    def go_on(worker: int) -> None:
        while True:
            try:
                one = waiting.popleft()
            except IndexError:
                return
            try:
                do(one, worker)
            except BaseException:
                waiting.clear()
                raise

    with ThreadPoolExecutor(workers, thread_name_prefix="table") as pool:
        for done in [pool.submit(go_on, worker) for worker in range(workers)]:
            done.result()
