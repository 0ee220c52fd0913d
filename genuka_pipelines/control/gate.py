"""Keeps the holds still while a batch is destroyed.

A hold may arrive between the look at the holds and the deletion; so whoever destroys shares a lock that
whoever changes a hold must have alone. It lives in the server: a killed process leaves none behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from sqlalchemy import Connection, insert, literal, select, text
from sqlalchemy.exc import DBAPIError

from genuka_pipelines.control.database import Database, quiet, waited_too_long
from genuka_pipelines.control.errors import ControlRefused, ControlUnreachable, GateBusy, GateLost
from genuka_pipelines.control.tables import holds_gate

if TYPE_CHECKING:
    from genuka_pipelines.control.hold import StoredHold


class Gate(Sequence["StoredHold"]):
    """The holds that bind, none of which can change before the gate is left."""

    def __init__(self, connection: Connection, live: Sequence[StoredHold]) -> None:
        self._connection, self._live = connection, tuple(live)

    def check(self) -> None:
        """Call just before the batch's commit: raises GateLost unless the holds were surely kept still."""
        try:
            with quiet(self._connection.engine):
                self._connection.execute(select(literal(1)))
        except (ControlUnreachable, ControlRefused):
            raise GateLost from None

    @overload
    def __getitem__(self, index: int) -> StoredHold: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[StoredHold]: ...

    def __getitem__(self, index: int | slice) -> StoredHold | Sequence[StoredHold]:
        return self._live[index]

    def __len__(self) -> int:
        return len(self._live)


def lock(database: Database, connection: Connection, *, alone: bool) -> None:
    """Takes the lock, shared or alone, until the transaction ends. GateBusy after a minute.

    Who wants it alone is served before those who come to share it later, on both servers: on PostgreSQL
    only a table's lock queues so, a row's would let a busy sweep starve every hold.
    """
    try:
        if not database.mysql:
            mode = "EXCLUSIVE" if alone else "SHARE"
            connection.execute(text(f"LOCK TABLE {holds_gate.name} IN {mode} MODE"))
            return
        only = select(holds_gate.c.id).with_for_update(read=not alone)
        if connection.execute(only).first() is None:
            # Somebody emptied the table: without a row, and one that stays, nothing would be locked.
            with database.begin() as repair:
                repair.execute(insert(holds_gate).prefix_with("IGNORE").values(id=1))
            connection.execute(only)
    except DBAPIError as error:
        if waited_too_long(error):
            raise GateBusy from None
        raise
