"""Transactions that read rows, kept open so that what is done next is done to exactly these.

To name fifty thousand rows to the server again, and have it compare each, takes longer than to delete them.
A transaction that sees one moment finds the same rows by the same predicate; and where somebody changed one
meanwhile it says so instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError

if TYPE_CHECKING:
    from genuka_pipelines.rows.path import Predicate
    from genuka_pipelines.rows.selection import Hold
    from genuka_pipelines.systems.database import Database

_STALE = 5.0
"""Seconds after which the server's look at the rows is too old to act on."""


class _Dropped(Exception):
    """Undoes a transaction in which nothing was changed."""


class Grip:
    """One such transaction. `reach` finds its rows, together with the predicate that holds of that moment allow."""

    def __init__(self, database: Database, holds: Sequence[Hold]) -> None:
        self._database, self._holds = database, tuple(holds)
        self._lock, self._stack = threading.Lock(), ExitStack()
        self._began: float | None = None
        self.reach: Predicate = sa.false()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Begins it, for the one read; nobody drops it meanwhile."""
        with self._lock, ExitStack() as stack:
            self._connection = stack.enter_context(self._database.writing())
            self._database.writer.grip(self._connection)
            began = time.monotonic()
            yield self._connection
            self._began, self._stack = began, stack.pop_all()

    @contextmanager
    def acting(self) -> Iterator[sa.Connection]:
        """For the one change: committed when the block ends well. RowsLocked where a row was changed meanwhile."""
        with self._lock, self._stack.pop_all():
            self._began = None
            yield self._connection

    def serves(self, holds: Sequence[Hold]) -> bool:
        """Whether it is there, fresh, and of the same holds."""
        return self._began is not None and time.monotonic() - self._began < _STALE and self._holds == tuple(holds)

    @property
    def open(self) -> bool:
        """Whether it has read, and was neither used nor dropped."""
        return self._began is not None

    def drop(self) -> None:
        """Undo it; nothing was changed, so nothing is lost where the connection is."""
        with self._lock, suppress(GenukaError):
            self._began = None
            self._stack.pop_all().__exit__(_Dropped, _Dropped(), None)


class Grips:
    """The open ones of a table that is worked on; none outlives the block."""

    def __init__(self, database: Database, holds: Sequence[Hold]) -> None:
        self._database, self._holds = database, holds
        self._open: list[Grip] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.drop()

    def new(self) -> Grip:
        """Another."""
        self._open = [grip for grip in self._open if grip.open]
        grip = Grip(self._database, self._holds)
        self._open.append(grip)
        return grip

    def drop(self) -> None:
        """Undo all: the sweep has to wait, and the server must not wait with it."""
        for grip in self._open:
            grip.drop()


def looks_at_its_row_alone(predicate: Predicate) -> bool:
    """Whether no other row, nor another table, decides."""
    return not any(isinstance(part, sa.sql.selectable.SelectBase) for part in sa.sql.visitors.iterate(predicate))
