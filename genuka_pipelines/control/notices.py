"""The warnings a tenant gets before it loses data, and whether they went out.

A database that is dropped without them is a broken promise, and one notice sent every night is another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from genuka_pipelines.control.bodies import NoticeIssued
from genuka_pipelines.control.canonical import canonical_json, in_utc, instant
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import NoticeUnknown
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.opaque import Id, Opaque
from genuka_pipelines.control.scopes import Keys, tenant_digest
from genuka_pipelines.control.tables import notices


class _Addressee(Opaque):
    noun = "a notice"
    subject: Id


@dataclass(frozen=True, slots=True)
class Notice:
    """The tenant `subject` is told, `days` ahead, that it loses data under `rule` at `due_at`."""

    id: str
    rule: str
    subject: str
    days: int
    due_at: datetime
    issued_at: datetime
    sent_at: datetime | None


class Notices:
    """The notices of one control database."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def issue(self, rule: str, subject: str, *, days: int, due_at: datetime, now: datetime, keys: Keys) -> bool:
        """Puts a notice into the mailer's queue; False, and nothing done, when this one was issued before.

        A tenant whose end moved is warned anew: `due_at` is part of what makes a notice. The ledger gets the
        tenant's keyed hash. Raises NotOpaque, ClockSetBack, ClockAhead.
        """
        tenant = _Addressee(subject=subject).subject
        said = NoticeIssued(rule=rule, tenant=tenant_digest(tenant, keys), days=days, due=in_utc(due_at).date())
        name = hashlib.sha256(canonical_json([rule, tenant, days, instant(due_at)]).encode()).hexdigest()
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            if connection.execute(select(notices.c.id).where(notices.c.id == name)).first() is not None:
                return False
            connection.execute(
                insert(notices).values(
                    id=name, rule=rule, subject=tenant, days=days, due_at=in_utc(due_at), created_at=in_utc(now)
                )
            )
            self._ledger.append_within(connection, [said], as_of=now, now=now)
        return True

    def issued(self, rule: str, subject: str) -> tuple[Notice, ...]:
        """What a tenant was told under a rule, oldest first."""
        return self._read(notices.c.rule == rule, notices.c.subject == subject)

    def waiting(self) -> tuple[Notice, ...]:
        """What the operator's mailer has not confirmed, the soonest due first."""
        return self._read(notices.c.sent_at.is_(None))

    def sent(self, notice: str, *, now: datetime) -> None:
        """The mailer confirms a notice, once. NoticeUnknown when it does not wait."""
        waits = (notices.c.id == notice, notices.c.sent_at.is_(None))
        with self._database.begin() as connection:
            found = connection.execute(update(notices).where(*waits).values(sent_at=in_utc(now))).rowcount
        if found != 1:
            raise NoticeUnknown("no notice with this id waits to be sent: it was sent, or never was issued")

    def _read(self, *which: ColumnElement[bool]) -> tuple[Notice, ...]:
        query = select(notices).where(*which).order_by(notices.c.due_at, notices.c.days.desc(), notices.c.id)
        with self._database.begin() as connection:
            return tuple(map(_notice, connection.execute(query)))


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.id, row.rule, row.subject, row.days, row.due_at, row.created_at, row.sent_at)
