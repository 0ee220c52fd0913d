"""A store of backups and the name of its region: asked again when it fails, and named when it is down.

A region that does not answer must never pass for one that holds nothing, nor a run that could not
reach it for one that is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from genuka_pipelines.backups.calendar import FIRST_DAY, Epoch
from genuka_pipelines.backups.errors import BackupError, ClocksApart
from genuka_pipelines.backups.locked import CLOCKS
from genuka_pipelines.stores.errors import NoSuchStore, StoreUnreachable
from genuka_pipelines.stores.store import Store

PAUSES = (0.5, 2.0, 8.0)
T = TypeVar("T")
Shredded = Callable[[str], bool]
"""Whether the key of an owner (its id) was destroyed for good: it must then not come back from anywhere."""


class Degraded(BackupError):
    """A region is down: what was asked is done in part, or in the other region alone. `region` is its name."""

    exit_code = 1

    def __init__(self, region: str) -> None:
        self.region = region
        super().__init__(f"region {region} is down, so backups are degraded: run this again once it answers")


@dataclass(frozen=True, slots=True)
class Region:
    """`pauses`: the seconds to wait before each further attempt at a store that does not answer."""

    name: str
    store: Store
    pauses: tuple[float, ...] = PAUSES

    def again(self, act: Callable[[], T]) -> T:
        """What `act` returns, attempted anew while the store does not answer; then Degraded."""
        for pause in (*self.pauses, None):
            try:
                return act()
            except StoreUnreachable:
                if pause is None:
                    break
                time.sleep(pause)
            except NoSuchStore:
                break
        raise Degraded(self.name) from None

    def agrees_on_time(self) -> None:
        """ClocksApart when the store's clock, as last probed, is more than five minutes from ours."""
        offset = self.again(self.store.capabilities).clock_offset
        if offset is not None and abs(offset) > CLOCKS.total_seconds():
            raise ClocksApart(
                f"the clock of region {self.name} is {offset:+.0f} s from ours, and locks would end at the wrong "
                "time: set this machine's clock, then run this again"
            )


def nobody(_owner: str) -> bool:
    """No owner's key was shredded."""
    return False


def living(now: datetime) -> tuple[Epoch, ...]:
    """The epochs begun and still locked, oldest first."""
    return tuple(epoch for epoch in _until(now) if now < epoch.locked_until)


def over(now: datetime) -> tuple[Epoch, ...]:
    """The epochs whose locks are over, oldest first."""
    return tuple(epoch for epoch in _until(now) if epoch.locked_until <= now)


def _until(now: datetime) -> Iterator[Epoch]:
    epoch = Epoch(FIRST_DAY)
    while epoch.begins <= now + CLOCKS:
        yield epoch
        epoch = Epoch.at(epoch.ends)


def in_parallel(act: Callable[[T], object], items: Iterable[T], workers: int) -> None:
    """Each item in one of `workers` threads; the first error stops what has not begun. Memory: flat."""
    waiting: set[Future[object]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                if len(waiting) >= 2 * workers:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                waiting.add(pool.submit(act, item))
            for future in waiting:
                future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
