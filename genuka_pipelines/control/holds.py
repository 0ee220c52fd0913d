"""What nothing may destroy for now: a dispute, an inquiry, a security concern, a person's restriction.

A sweep that missed one would destroy what a court or a person asked to keep; so a hold binds from the
moment `add` returns, and its record outlives it to show that it did.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from genuka_pipelines.control.bodies import HoldChange, HoldKind, HoldPlaced, HoldReleased, HoldRenewed
from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.database import Database, quiet
from genuka_pipelines.control.errors import HoldUnclear, HoldUnknown
from genuka_pipelines.control.gate import Gate, lock
from genuka_pipelines.control.hold import Change, Reason, StoredHold, Terms, context_of, read, said, written
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.scopes import Keys, Scope, seal_scope
from genuka_pipelines.control.tables import holds

_LETTERS = "bcdfghjkmnpqrstvwxz"
_UNRELEASED = holds.c.released_at.is_(None)


class Holds:
    """The holds of one control database. Every change is a transaction of its own, with its ledger entry."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def add(
        self,
        scope: Scope,
        *,
        kind: HoldKind,
        reason: Reason,
        reference: str,
        author: str,
        now: datetime,
        keys: Keys,
        expires_at: datetime | None = None,
    ) -> StoredHold:
        """Places a hold: when this returns, no batch that did not see it can still commit.

        `reference` names the case opaquely; `now` is the wall time. Raises NotOpaque, HoldUnclear,
        GateBusy when a batch takes more than a minute, ClockSetBack and ClockAhead.
        """
        terms = Terms(kind=kind, reason=reason, reference=reference, author=author)
        name = "".join(secrets.choice(_LETTERS) for _ in range(12))
        sealed = seal_scope(scope, keys, context_of(name))
        moment = in_utc(now)
        hold = StoredHold(
            name, terms.kind, sealed, terms.reason, terms.reference, terms.author, moment, _later(expires_at, moment)
        )
        with self._alone() as connection:
            connection.execute(insert(holds).values(written(hold)))
            self._ledger.append_within(connection, [HoldPlaced(**said(hold))], as_of=moment, now=moment)
        return hold

    def release(self, hold: str, *, by: str, now: datetime) -> StoredHold:
        """Ends a hold, expired or not; the clocks of what it kept never stopped. HoldUnknown, GateBusy."""
        released = {"released_at": in_utc(now), "released_by": _by(by)}
        return self._changed(hold, released, HoldReleased, now)

    def renew(self, hold: str, *, expires_at: datetime | None, by: str, now: datetime) -> StoredHold:
        """Gives a hold another end, or none; one that expired binds again. HoldUnknown, HoldUnclear, GateBusy."""
        renewed = {"expires_at": _later(expires_at, in_utc(now)), "renewed_by": _by(by)}
        return self._changed(hold, renewed, HoldRenewed, now)

    def live(self, now: datetime) -> tuple[StoredHold, ...]:
        """The holds that bind, oldest first. Only those of a gate stay so."""
        with self._database.begin() as connection:
            return _read(connection, _binding(now))

    def expired(self, now: datetime) -> tuple[StoredHold, ...]:
        """The holds that bind no more though nobody released them: each must be released or renewed."""
        with self._database.begin() as connection:
            return _read(connection, and_(_UNRELEASED, holds.c.expires_at <= in_utc(now)))

    def all(self) -> tuple[StoredHold, ...]:
        """Every hold on record, oldest first."""
        with self._database.begin() as connection:
            return _read(connection)

    @contextmanager
    def gate(self, now: datetime) -> Iterator[Gate]:
        """The holds that bind, kept still while the block destroys one batch.

        The block commits its batch before it ends, `check`s the gate just before, and never changes a
        hold itself. Raises GateBusy when a change takes more than a minute, GateLost at the end when the
        lock was lost meanwhile.
        """
        with self._database.around() as connection:
            with quiet(self._database.engine):
                lock(self._database, connection, alone=False)
                gate = Gate(connection, _read(connection, _binding(now)))
            yield gate
            gate.check()

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._database.begin() as connection:
            lock(self._database, connection, alone=True)
            yield connection

    def _changed(self, hold: str, values: dict[str, Any], shape: type[HoldChange], now: datetime) -> StoredHold:
        with self._alone() as connection:
            if connection.execute(update(holds).where(holds.c.id == hold, _UNRELEASED).values(values)).rowcount != 1:
                raise HoldUnknown("no hold with this id can be changed: it is released, or never was; list the holds")
            (found,) = _read(connection, holds.c.id == hold)
            self._ledger.append_within(connection, [shape(**said(found))], as_of=now, now=now)
        return found


def _read(connection: Connection, *which: ColumnElement[bool]) -> tuple[StoredHold, ...]:
    query = select(holds).where(*which).order_by(holds.c.placed_at, holds.c.id)
    return tuple(map(read, connection.execute(query)))


def _binding(now: datetime) -> ColumnElement[bool]:
    return and_(_UNRELEASED, or_(holds.c.expires_at.is_(None), holds.c.expires_at > in_utc(now)))


def _later(end: datetime | None, start: datetime) -> datetime | None:
    if end is not None and in_utc(end) <= start:
        raise HoldUnclear("a hold must end after it begins: give a later moment, or none")
    return end and in_utc(end)


def _by(author: str) -> str:
    return Change(by=author).by
