"""The right to do one kind of work on one shard, for one process at a time.

The terminal and Dagster may start the same sweep at once, and a process may be killed or frozen
while it works; only the database's clock decides, and a number that grows tells old owners from new.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, select, update
from sqlalchemy.dialects import mysql, postgresql

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import ControlRefused, ControlUnreachable, LeaseLost, LeaseTaken
from genuka_pipelines.control.tables import leases

SHORTEST = timedelta(milliseconds=200)
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}", re.ASCII)
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", re.ASCII)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants to do what, on which shard, for how long at a time. `owner` is an opaque id."""

    capability: str
    shard: str
    owner: str
    ttl: timedelta

    def __post_init__(self) -> None:
        names_fit = _NAME.fullmatch(self.capability) and _NAME.fullmatch(self.shard)
        if not (names_fit and _OWNER.fullmatch(self.owner)):
            raise ValueError("capability and shard are short lower-case names, owner is an opaque id")
        if self.ttl < SHORTEST:
            raise ValueError(f"a lease of less than {SHORTEST} cannot be renewed in time")

    def row(self) -> ColumnElement[bool]:
        """The condition that finds the lease of this capability and shard."""
        return and_(leases.c.capability == self.capability, leases.c.shard == self.shard)


class Lease:
    """A held lease. Call `check` before each write; `token` only ever grows and may fence a store."""

    def __init__(self, database: Database, claim: Claim, token: int, asked: float) -> None:
        self.claim, self.token = claim, token
        self._database = database
        self._good_until = asked + claim.ttl.total_seconds()
        self._mine = and_(claim.row(), leases.c.owner == claim.owner, leases.c.token == token)

    def check(self) -> None:
        """Raises LeaseLost unless the lease is surely still held. Asks nobody: cheap enough for every batch.

        The bound is this machine's steady clock from before the last renewal was asked for, so it ends
        no later than the database's.
        """
        if _steady() >= self._good_until:
            raise LeaseLost(self.claim.capability, self.claim.shard)

    def renew(self) -> None:
        """Asks the database for another `ttl`; LeaseLost when it has already ended or been taken."""
        asked = _steady()
        until = self._database.clock_after(self.claim.ttl)
        longer = update(leases).where(self._mine, leases.c.expires_at > self._database.clock())
        with self._database.begin() as connection:
            renewed = connection.execute(longer.values(expires_at=until)).rowcount
        if renewed != 1:
            self._good_until = 0.0
            raise LeaseLost(self.claim.capability, self.claim.shard)
        self._good_until = asked + self.claim.ttl.total_seconds()

    def release(self) -> None:
        """Lets the next process in at once; nothing happens when it was lost."""
        ended = update(leases).where(self._mine).values(owner=_NOBODY, expires_at=self._database.clock())
        with self._database.begin() as connection:
            connection.execute(ended)
        self._good_until = 0.0


class Leases:
    """The leases of one control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def hold(
        self, capability: str, shard: str, owner: str, ttl: timedelta, *, renewing: bool = True
    ) -> Iterator[Lease]:
        """Holds (capability, shard) while the block runs, renewed in the background unless told otherwise.

        `owner` is an opaque id of the process or run, never a person's. Raises LeaseTaken (a Busy) when another
        holds it, and LeaseLost at the block's end when it was lost meanwhile.
        """
        lease = self.take(capability, shard, owner, ttl)
        stop = threading.Event()
        renewer = threading.Thread(target=_keep, args=(lease, stop), daemon=True, name=f"lease {capability}")
        if renewing:
            renewer.start()
        try:
            yield lease
            lease.check()
        except BaseException:
            _end(renewer, stop)
            _release_quietly(lease)
            raise
        _end(renewer, stop)
        lease.release()

    def take(self, capability: str, shard: str, owner: str, ttl: timedelta) -> Lease:
        """Takes the lease, to be renewed and released by the caller; LeaseTaken (a Busy) when another holds it."""
        claim = Claim(capability, shard, owner, ttl)
        asked = _steady()
        with self._database.begin() as connection:
            token = self._taken(connection, claim)
        return Lease(self._database, claim, token, asked)

    def _taken(self, connection: Connection, claim: Claim) -> int:
        clock = self._database.clock()
        free = update(leases).where(claim.row(), leases.c.expires_at <= clock)
        take = free.values(
            owner=claim.owner,
            token=leases.c.token + 1,
            taken_at=clock,
            expires_at=self._database.clock_after(claim.ttl),
        )
        if connection.execute(take).rowcount != 1:
            self._make_room(connection, claim)
            if connection.execute(take).rowcount != 1:
                row = connection.execute(select(leases).where(claim.row())).one()
                raise LeaseTaken(claim.capability, claim.shard, row.taken_at, row.expires_at)
        return int(connection.execute(select(leases.c.token).where(claim.row())).scalar_one())

    def _make_room(self, connection: Connection, claim: Claim) -> None:
        row = {
            "capability": claim.capability,
            "shard": claim.shard,
            "owner": _NOBODY,
            "token": 0,
            "taken_at": _LONG_AGO,
            "expires_at": _LONG_AGO,
        }
        if self._database.mysql:
            wanted = mysql.insert(leases).values(**row)
            connection.execute(wanted.on_duplicate_key_update(capability=leases.c.capability))
        else:
            connection.execute(postgresql.insert(leases).values(**row).on_conflict_do_nothing())


def _keep(lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(lease.claim.ttl.total_seconds() / 3):
        try:
            lease.renew()
        except LeaseLost:
            return
        except (ControlUnreachable, ControlRefused):
            # The database may come back before the lease ends; if not, `check` says so in time.
            continue


def _end(renewer: threading.Thread, stop: threading.Event) -> None:
    stop.set()
    if renewer.ident is not None:
        renewer.join()


def _release_quietly(lease: Lease) -> None:
    # The block's own error says more than a database that cannot be told; the lease then ends by itself.
    try:
        lease.release()
    except GenukaError:
        return


def _steady() -> float:
    # Time asleep counts: a suspended machine has lost its leases.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
