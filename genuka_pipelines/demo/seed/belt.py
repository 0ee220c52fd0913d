"""Rows passing from the thread that makes them to the thread that loads them."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event

from genuka_pipelines.demo.seed.load.rows import Rows

_LENGTH = 3
_PATIENCE = 0.1  # seconds between two looks at whether to stop


class Belt:
    """A queue of a few chunks that both ends leave as soon as `stopped` is set."""

    def __init__(self, stopped: Event) -> None:
        self._waiting: Queue[Rows | None] = Queue(maxsize=_LENGTH)
        self._stopped = stopped

    def put(self, rows: Rows | None) -> None:
        """Add rows, waiting for room; None says that no more will come."""
        while not self._stopped.is_set():
            try:
                return self._waiting.put(rows, timeout=_PATIENCE)
            except Full:
                continue
        return None

    def __iter__(self) -> Iterator[Rows]:
        """The rows in the order they came, until the last one or until stopped."""
        while not self._stopped.is_set():
            try:
                rows = self._waiting.get(timeout=_PATIENCE)
            except Empty:
                continue
            if rows is None:
                return
            yield rows
