"""Making the next rows while the server takes the last ones."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

_AHEAD = 3
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Failed:
    error: BaseException


class _Done:
    """The end of the items."""


def ahead(items: Iterator[_T]) -> Generator[_T, None, None]:
    """The same items, made by another thread at most three ahead; its errors are raised here."""
    waiting: Queue[_T | _Failed | _Done] = Queue(maxsize=_AHEAD)
    stopped = Event()

    def offer(item: _T | _Failed | _Done) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not offer(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are used
            offer(_Failed(error))
        else:
            offer(_Done())

    maker = Thread(target=work, name="genuka-seed", daemon=True)
    maker.start()
    try:
        while not isinstance(item := waiting.get(), _Done):
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stopped.set()
        maker.join()
