"""Who else had data about a person, and whether they were told that it was erased, corrected or restricted.

GDPR article 19 asks for each recipient, one by one; what only an inbox knows is told to some. A notice is written
before the act, so a crash between the two leaves somebody to be told and never somebody forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from genuka_pipelines.control.bodies import NoticeHow, NoticeState, RecipientNotice
from genuka_pipelines.control.canonical import canonical_json, in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import RecipientSettled, RecipientUnknown
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.opaque import Id, Name, Opaque
from genuka_pipelines.control.request import Request
from genuka_pipelines.control.scopes import Keys
from genuka_pipelines.control.tables import recipient_notices, requests

Impossible = Literal["gone", "not_found_there", "kept_by_its_law", "disproportionate"]
"""Why a recipient cannot be told, or need not be: it exists no more, it cannot find the person, its own law has it
keep the data, or telling it would be out of all proportion. A closed list, no free text."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A recipient that has to be told; `about` is the least by which it finds the person: its own ids, or addresses."""

    recipient: str
    how: NoticeHow
    about: Mapping[str, Sequence[str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """One recipient of one request. `reference` is what the recipient calls its answer; `about` is for the keyring."""

    request: str
    recipient: str
    how: NoticeHow
    state: NoticeState
    opened_at: datetime
    told_by: str | None
    told_at: datetime | None
    reference: str | None
    why: str | None
    about: bytes | None = field(repr=False)

    def opened(self, keys: Keys) -> Mapping[str, Sequence[str]]:
        """By what the recipient finds the person; nothing once it was told."""
        if self.about is None:
            return {}
        found: Mapping[str, Sequence[str]] = json.loads(keys.unseal(self.about, _context(self.request)))
        return found


class _Told(Opaque):
    """What is said of an answer."""

    noun = "a recipient's answer"
    by: Id
    reference: Id | None = None


class _Recipient(Opaque):
    noun = "a recipient"
    recipient: Name


class Recipients:
    """The notices to recipients of one control database. Every change has its entry in the ledger."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def want(self, request: Request, wanted: Sequence[Wanted], *, keys: Keys, now: datetime) -> int:
        """Write down, all or none, who has to be told; how many were not known of this request."""
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            known = {one.recipient for one in _of(connection, request.id)}
            new = [one for one in wanted if one.recipient not in known]
            for one in new:
                about = keys.seal(canonical_json({k: list(v) for k, v in one.about.items()}).encode(),
                                  _context(request.id))  # fmt: skip
                connection.execute(
                    insert(recipient_notices).values(
                        request=request.id,
                        recipient=_Recipient(recipient=one.recipient).recipient,
                        how=one.how,
                        state="open",
                        opened_at=in_utc(now),
                        about=about,
                    )
                )
            if said := [_said(request, one.recipient, one.how, "open") for one in new]:
                self._ledger.append_within(connection, said, as_of=now, now=now)
        return len(new)

    def of(self, request: str) -> tuple[Notice, ...]:
        """All of a request, by recipient."""
        with self._database.begin() as connection:
            return _of(connection, request)

    def left_to_people(self, request: Request, recipient: str, *, now: datetime) -> None:
        """An interface cannot do it: people tell this recipient. RecipientUnknown, RecipientSettled."""
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            _open(connection, request.id, recipient)
            _change(connection, request.id, recipient, {"how": "procedure"})
            self._ledger.append_within(connection, [_said(request, recipient, "procedure", "open")], as_of=now, now=now)

    def settle(
        self,
        request: Request,
        recipient: str,
        *,
        by: str,
        now: datetime,
        reference: str | None = None,
        why: Impossible | None = None,
    ) -> Notice:
        """A recipient was told; with `why`, it cannot be. By what it finds the person is forgotten here.

        RecipientUnknown, RecipientSettled where it was settled before, NotOpaque.
        """
        told = _Told(by=by, reference=reference)
        state: NoticeState = "told" if why is None else "impossible"
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            found = _open(connection, request.id, recipient)
            values = {"state": state, "told_by": told.by, "told_at": in_utc(now), "reference": told.reference,
                      "why": why, "about": None}  # fmt: skip
            _change(connection, request.id, recipient, values)
            self._ledger.append_within(
                connection, [_said(request, recipient, found.how, state, why)], as_of=now, now=now
            )
            (settled,) = (one for one in _of(connection, request.id) if one.recipient == recipient)
        return settled

    def untold(self, today: date) -> int:
        """How many recipients wait to be told for a request whose answer was due before a day."""
        late = (
            select(func.count())
            .select_from(recipient_notices.join(requests, recipient_notices.c.request == requests.c.id))
            .where(recipient_notices.c.state == "open", requests.c.due_on < today)
        )
        with self._database.begin() as connection:
            return int(connection.execute(late).scalar_one())


def _said(
    request: Request, recipient: str, how: NoticeHow, state: NoticeState, why: Impossible | None = None
) -> RecipientNotice:
    return RecipientNotice(request=request.id, asked=request.kind, recipient=recipient, how=how, state=state, why=why)


def _context(request: str) -> str:
    """What is sealed for the recipients of a request; nothing else opens it."""
    return f"recipients of request {request}"


def _of(connection: Connection, request: str) -> tuple[Notice, ...]:
    table = recipient_notices
    query = select(table).where(table.c.request == request).order_by(table.c.recipient)
    return tuple(map(_read, connection.execute(query)))


def _open(connection: Connection, request: str, recipient: str) -> Notice:
    for one in _of(connection, request):
        if one.recipient == recipient:
            if one.state != "open":
                raise RecipientSettled(request, one.recipient, one.state)
            return one
    raise RecipientUnknown(request)


def _change(connection: Connection, request: str, recipient: str, values: Mapping[str, Any]) -> None:
    table = recipient_notices
    which = (table.c.request == request, table.c.recipient == recipient)
    connection.execute(update(table).where(*which).values(**values))


def _read(row: Row[Any]) -> Notice:
    return Notice(**row._mapping)
