"""Where a support tool writes requests: one table, in which its role may insert and do nothing else.

An address stays here until the next look, which takes it away; a row that cannot be a request says which column
is wrong, and waits for whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select, update

from genuka_pipelines.control.database import Database
from genuka_pipelines.control.tables import request_intake as table


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a support tool wrote. `subject` is an address, a number, or `kind:key`; empty where a tenant asks."""

    kind: str
    channel: str
    subject: str = field(repr=False)
    opened_by: str
    tenant: str | None = None
    arrived_on: date | None = None


class WrongColumn(ValueError):
    """A row cannot be a request; the argument names the column."""


class Intake:
    """The intake of one control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, arrived: Arrived) -> None:
        """Write one, as a support tool does."""
        names = ("kind", "channel", "subject", "opened_by", "tenant", "arrived_on")
        with self._database.begin() as connection:
            connection.execute(insert(table).values({name: getattr(arrived, name) for name in names}))

    def take(self, register: Callable[[Arrived], Any], *, most: int) -> tuple[int, int]:
        """Hand over rows, oldest first; how many were registered, and how many cannot be.

        A row goes once `register` returned, so one that is killed in between registers it again: it must know
        a request that is there. `register` raises WrongColumn.
        """
        query = select(table).where(table.c.wrong.is_(None)).order_by(table.c.id).limit(most)
        with self._database.begin() as connection:
            rows = connection.execute(query).all()
        taken = wrong = 0
        for row in rows:
            try:
                register(Arrived(row.kind, row.channel, row.subject, row.opened_by, row.tenant or None, row.arrived_on))
            except WrongColumn as error:
                done: Any = update(table).where(table.c.id == row.id).values(wrong=str(error)[:191])
                wrong += 1
            else:
                done = delete(table).where(table.c.id == row.id)
                taken += 1
            with self._database.begin() as connection:
                connection.execute(done)
        return taken, wrong
