"""The register of requests: each goes from state to state under a lock on its row, with an entry in the ledger.

Two people who answer at once would otherwise each do half, and neither would know.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, update

from genuka_pipelines.catalog.request import Channel, RequestKind
from genuka_pipelines.control.bodies import RequestMoved, RequestOpened
from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import RequestNotThere, RequestOutOfTurn
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.request import ENDED, FOLLOWS, Request, RequestStatus, Told, read, sealed, written
from genuka_pipelines.control.scopes import Keys
from genuka_pipelines.control.tables import recipient_notices, requests, requests_gate

_LETTERS = "bcdfghjkmnpqrstvwxz"
Change = Callable[[Request], Request]


@dataclass(frozen=True, slots=True)
class Opening:
    """A request in the register, and whether it was there before: the same person asked for the same twice."""

    request: Request
    repeated: bool


class Requests:
    """The requests of one control database. Every change is a transaction of its own, with its ledger entry."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def open(
        self,
        kind: RequestKind,
        channel: Channel,
        *,
        said: Mapping[str, Any],
        person: str,
        tenant: str | None,
        arrived_on: date,
        due_on: date,
        by: str,
        now: datetime,
        keys: Keys,
    ) -> Opening:
        """Register a request, or find the one under way of the same kind, person and tenant.

        `person` is the keyed hash of who asks; `now` is the wall time. NotOpaque where something else than an
        opaque name is given for the rest.
        """
        told = Told(kind=kind, channel=channel, opened_by=by, tenant=tenant)
        moment = in_utc(now)
        with self._database.begin() as connection:
            # One at a time: two messages of one person, registered at once, are one request.
            connection.execute(select(requests_gate).with_for_update())
            same = [requests.c.kind == kind, requests.c.person == person, requests.c.status.not_in(sorted(ENDED))]
            # Done here but for the telling of others: whoever asks now asks for something else.
            same.append(func.coalesce(requests.c.reason, "") != "recipients")
            there = connection.execute(select(requests).where(*same).order_by(requests.c.opened_at)).first()
            if there is not None:
                return Opening(read(there), True)
            name = "".join(secrets.choice(_LETTERS) for _ in range(12))
            request = Request(
                id=name, kind=told.kind, channel=told.channel, status="received", tenant=told.tenant, person=person,
                arrived_on=arrived_on, due_on=due_on, opened_by=told.opened_by, opened_at=moment, changed_at=moment,
                said=sealed(name, keys, said),
            )  # fmt: skip
            connection.execute(insert(requests).values(written(request)))
            opened = RequestOpened(request=name, asked=told.kind, channel=told.channel, arrived=arrived_on, due=due_on)
            self._ledger.append_within(connection, [opened], as_of=moment, now=moment)
        return Opening(request, False)

    def get(self, name: str) -> Request:
        """One request. RequestNotThere."""
        with self._database.begin() as connection:
            return _one(connection, name)

    def all(self, statuses: Collection[RequestStatus] | None = None) -> tuple[Request, ...]:
        """The requests, of some states or all, by the day on which their answer is due."""
        chosen = [] if statuses is None else [requests.c.status.in_(sorted(statuses))]
        query = select(requests).where(*chosen).order_by(requests.c.due_on, requests.c.id)
        with self._database.begin() as connection:
            return tuple(map(read, connection.execute(query)))

    def waiting(self, kinds: Collection[RequestKind], *, most: int, before: datetime) -> tuple[tuple[str, int], ...]:
        """Requests of some kinds that can run now, the most urgent first: their ids, and how often they were tried.

        Those approved, and those that failed, or could not end, and were last tried before a moment. Asks an index.
        """
        # Without somebody's key, or while people tell recipients, another try would find the same.
        reason, told = func.coalesce(requests.c.reason, ""), recipient_notices.c
        untold = exists().where(told.request == requests.c.id, told.state == "open")
        for_people = (reason == "recipient") | ((reason == "recipients") & untold)
        retry = requests.c.status.in_(["failed", "running"]) & (requests.c.tried_at < in_utc(before)) & ~for_people
        query = (
            select(requests.c.id, requests.c.attempts)
            .where(requests.c.kind.in_(sorted(kinds)), (requests.c.status == "approved") | retry)
            .order_by(requests.c.due_on, requests.c.id)
            .limit(most)
        )
        with self._database.begin() as connection:
            return tuple((str(name), int(attempts)) for name, attempts in connection.execute(query))

    def late(self, today: date) -> int:
        """How many were to be answered before a day and are not."""
        late = [requests.c.status.not_in(sorted(ENDED)), requests.c.due_on < today]
        with self._database.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(requests).where(*late)).scalar_one())

    def count(self) -> Mapping[RequestStatus, int]:
        """How many are in each state."""
        query = select(requests.c.status, func.count()).group_by(requests.c.status)
        with self._database.begin() as connection:
            return {status: int(number) for status, number in connection.execute(query)}

    def move(self, name: str, to: RequestStatus, change: Change, *, now: datetime) -> Request:
        """Bring a request into another state, changed; RequestOutOfTurn where it cannot go there from its own.

        `change` is called under the row's lock with the request as it is, and may refuse by raising.
        """
        with self._changed(name) as (connection, found):
            if to not in FOLLOWS[found.status]:
                raise RequestOutOfTurn(found.id, found.status, to)
            ended = in_utc(now) if to in ENDED else None
            moved = replace(change(found), status=to, changed_at=in_utc(now), ended_at=ended)
            connection.execute(update(requests).where(requests.c.id == name).values(written(moved)))
            self._ledger.append_within(connection, [_moved(moved, found.status)], as_of=now, now=now)
        return moved

    def amend(self, name: str, change: Change, *, now: datetime) -> Request:
        """Change what is said of a request that has not ended; its state stays. RequestOutOfTurn after its end."""
        with self._changed(name) as (connection, found):
            if found.ended:
                raise RequestOutOfTurn(found.id, found.status, found.status)
            changed = replace(change(found), status=found.status, changed_at=in_utc(now))
            connection.execute(update(requests).where(requests.c.id == name).values(written(changed)))
            if changed.due_on != found.due_on:
                self._ledger.append_within(connection, [_moved(changed, found.status)], as_of=now, now=now)
        return changed

    @contextmanager
    def _changed(self, name: str) -> Iterator[tuple[Connection, Request]]:
        with self._database.begin() as connection:
            yield connection, _one(connection, name, locked=True)


def _moved(request: Request, before: RequestStatus) -> RequestMoved:
    return RequestMoved(
        request=request.id, asked=request.kind, before=before, after=request.status, why=request.reason,
        due=request.due_on, preview=request.preview,
    )  # fmt: skip


def _one(connection: Connection, name: str, *, locked: bool = False) -> Request:
    query = select(requests).where(requests.c.id == name)
    row = connection.execute(query.with_for_update() if locked else query).first()
    if row is None:
        raise RequestNotThere("no request has this id: `genuka request list` shows those that wait")
    return read(row)
