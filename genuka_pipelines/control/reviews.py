"""Findings that wait for a person, and then are forgotten.

A detector that says "belief, in this row" to a log or to the ledger has itself recorded a belief for
ever; here stands only where to look, by a keyed reference, and only until it expires.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects import mysql, postgresql

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control.canonical import canonical_json, in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.opaque import Count, Hash, Key, Name, Opaque
from genuka_pipelines.control.tables import reviews

Decision = Literal["confirmed", "dismissed"]
PAGE = 500


class ReviewUnknown(GenukaError):
    """The finding has expired, is decided, or never was."""


class Finding(Opaque):
    """A detector found something: where, what kind, how often. `row` is a keyed hash of the row's key."""

    noun = "a finding"
    check: Name
    category: Key
    table: Name
    column: Name
    row: Hash
    detector: Name
    count: Count = 1

    @property
    def id(self) -> str:
        """The same for the same place and detector, so finding it again is not a second finding."""
        place = [self.check, self.category, self.table, self.column, self.row, self.detector]
        return hashlib.sha256(canonical_json(place).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Review:
    """A finding in the queue, and what a person decided, if anyone has."""

    id: str
    finding: Finding
    found_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decision: Decision | None


class Reviews:
    """The review queue of one control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, findings: Iterable[Finding], *, now: datetime, keep: timedelta) -> None:
        """Puts findings into the queue until `now + keep`.

        One that is there already keeps its dates and its decision, else a nightly check would keep it
        for ever; only its count is renewed.
        """
        moment = in_utc(now)
        dates = {"found_at": moment, "expires_at": moment + keep}
        # In the order of their ids, so that two checks at once cannot wait for each other.
        rows = sorted(({f.id: {**f.model_dump(), "id": f.id, **dates} for f in findings}).items())
        with self._database.begin() as connection:
            for start in range(0, len(rows), PAGE):
                connection.execute(self._upsert(), [row for _, row in rows[start : start + PAGE]])

    def waiting(self, now: datetime) -> Mapping[tuple[str, str], int]:
        """How many findings wait for a decision, by (check, category)."""
        query = (
            select(reviews.c.check, reviews.c.category, func.count().label("waiting"))
            .where(reviews.c.decided_at.is_(None), reviews.c.expires_at > in_utc(now))
            .group_by(reviews.c.check, reviews.c.category)
            .order_by(reviews.c.check, reviews.c.category)
        )
        with self._database.begin() as connection:
            return {(check, category): waiting for check, category, waiting in connection.execute(query)}

    def pending(self, now: datetime, *, limit: int = 100) -> tuple[Review, ...]:
        """The findings that wait, the soonest to expire first."""
        query = (
            select(reviews)
            .where(reviews.c.decided_at.is_(None), reviews.c.expires_at > in_utc(now))
            .order_by(reviews.c.expires_at, reviews.c.id)
            .limit(limit)
        )
        with self._database.begin() as connection:
            return tuple(map(_review, connection.execute(query)))

    def decide(self, review: str, decision: Decision, *, now: datetime) -> None:
        """Records what a person decided, once. ReviewUnknown when it no longer waits."""
        moment = in_utc(now)
        waits = (reviews.c.id == review, reviews.c.decided_at.is_(None), reviews.c.expires_at > moment)
        with self._database.begin() as connection:
            decided = update(reviews).where(*waits).values(decided_at=moment, decision=decision)
            found = connection.execute(decided).rowcount
        if found != 1:
            raise ReviewUnknown(
                "no finding with this id waits for a decision: it is decided, has expired, or never was; "
                "list those that wait"
            )

    def expire(self, now: datetime) -> int:
        """Forgets every finding whose time is over, decided or not; returns how many."""
        with self._database.begin() as connection:
            return connection.execute(delete(reviews).where(reviews.c.expires_at <= in_utc(now))).rowcount

    def _upsert(self) -> Any:
        if self._database.mysql:
            wanted = mysql.insert(reviews)
            return wanted.on_duplicate_key_update(count=wanted.inserted.count)
        wanted_there = postgresql.insert(reviews)
        return wanted_there.on_conflict_do_update(
            index_elements=[reviews.c.id], set_={"count": wanted_there.excluded.count}
        )


def _review(row: Row[Any]) -> Review:
    stored = row._mapping
    finding = Finding.model_validate({name: stored[name] for name in Finding.model_fields})
    return Review(row.id, finding, row.found_at, row.expires_at, row.decided_at, row.decision)
