"""The append-only record of what was looked at, promised and destroyed.

It is the evidence that outlives Dagster's own history: written in the transaction that locks its
head, so that no two processes share a place and no gap can hide an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from genuka_pipelines.control.anchor import Anchor, Sign, VerifySignature
from genuka_pipelines.control.beginning import FROM_THE_START, Beginning
from genuka_pipelines.control.bodies import B, Body, Check, Done, Observation, Planned, Pruned, read_body
from genuka_pipelines.control.canonical import Stored, entry_hash, in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.entry import Entry, Head, Intent, sealed_intent
from genuka_pipelines.control.errors import ClockAhead, ClockSetBack, IntentClosed, LedgerDamaged
from genuka_pipelines.control.pruning import next_to_go, refuse_young, remove
from genuka_pipelines.control.tables import entries, head, open_intents
from genuka_pipelines.control.verification import Verification, examine

TOLERANCE = timedelta(minutes=5)
PAGE = 1_000


class Ledger:
    """The ledger of one control database. Every method is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, body: B, *, as_of: datetime, now: datetime) -> Entry[B]:
        """Writes one entry, durably. Intentions and outcomes have their own methods.

        `now` is the wall time, `as_of` the moment the work is about. Raises ClockSetBack when `now` is
        more than five minutes before the latest wall time written, ClockAhead when it is as much after
        the database's clock.
        """
        return self.append_all([body], as_of=as_of, now=now)[0]

    def append_all(self, bodies: Iterable[B], *, as_of: datetime, now: datetime) -> tuple[Entry[B], ...]:
        """Writes several entries at once: all or none, one after the other."""
        listed = list(bodies)
        if any(isinstance(body, Planned | Done | Pruned) for body in listed):
            raise TypeError("intentions, outcomes and what was pruned are written by intend, outcome and prune")
        if not listed:
            return ()
        with self._database.begin() as connection:
            return self.append_within(connection, listed, as_of=as_of, now=now)

    def alone(self, connection: Connection) -> Head:
        """For this room: nobody else writes until the transaction ends. LedgerDamaged without a head."""
        return _head(connection.execute(select(head).with_for_update()).first())

    def intend(self, planned: Planned, *, as_of: datetime, now: datetime, sealed: bytes = b"") -> Intent:
        """Writes down what is about to be destroyed; it is durable when this returns.

        `sealed` says, readable to the keyring alone, which rows: it stays beside the intention until its outcome.
        """
        with self._database.begin() as connection:
            (entry,) = self.append_within(connection, [planned], as_of=as_of, now=now)
            connection.execute(insert(open_intents).values(seq=entry.seq, sealed=sealed or None))
        return sealed_intent(entry.seq, planned, entry.as_of, sealed)

    def outcome(self, intent: Intent, *, count: int, root: str, as_of: datetime, now: datetime) -> Entry[Done]:
        """Writes down what was destroyed under an intention, and closes it. IntentClosed the second time.

        `count` may be less than planned: rows may have been held, kept or deleted by others meanwhile.
        """
        planned = intent.planned
        done = Done(intent=intent.seq, rule=planned.rule, table=planned.table, count=count, root=root)
        with self._database.begin() as connection:
            (entry,) = self.append_within(connection, [done], as_of=as_of, now=now)
            if connection.execute(delete(open_intents).where(open_intents.c.seq == intent.seq)).rowcount != 1:
                raise IntentClosed(intent.seq)
        return entry

    def open_intents(self, rule_prefix: str | None = None) -> tuple[Intent, ...]:
        """The intentions without an outcome, oldest first: what a killed process left to be finished.

        With `rule_prefix`, those whose rule begins so.
        """
        query = select(*entries.c, open_intents.c.sealed).join(open_intents, open_intents.c.seq == entries.c.seq)
        if rule_prefix is not None:
            query = query.where(entries.c.subject.startswith(rule_prefix, autoescape=True))
        with self._database.begin() as connection:
            found = [(_entry(row), row.sealed or b"") for row in connection.execute(query.order_by(entries.c.seq))]
        return tuple(
            sealed_intent(entry.seq, entry.body, entry.as_of, sealed)
            for entry, sealed in found
            if isinstance(entry.body, Planned)
        )

    def latest(self, shape: type[B], subject: str | None = None) -> tuple[Entry[B], ...]:
        """The latest entry of a shape for each subject, or for one; found in the index."""
        with self._database.begin() as connection:
            rows = connection.execute(self._latest(shape.kind, subject))
            return tuple(cast("Entry[B]", _entry(row)) for row in rows)

    def latest_checks(self) -> Mapping[tuple[str, str], Entry[Check]]:
        """The latest answer to each question, by (asset, check)."""
        return {(entry.body.asset, entry.body.check): entry for entry in self.latest(Check)}

    def latest_observations(self) -> Mapping[str, Entry[Observation]]:
        """The latest observation of each category."""
        return {entry.body.category: entry for entry in self.latest(Observation)}

    def entries(self, after: int = 0) -> Iterator[Entry[Body]]:
        """Every entry after a place, in order, a page at a time."""
        while True:
            query = select(entries).where(entries.c.seq > after).order_by(entries.c.seq).limit(PAGE)
            with self._database.begin() as connection:
                page = connection.execute(query).all()
            yield from map(_entry, page)
            if len(page) < PAGE:
                return
            after = page[-1].seq

    def head(self) -> Head:
        """Where the ledger ends. LedgerDamaged when that record is gone."""
        with self._database.begin() as connection:
            return _head(connection.execute(select(head)).first())

    def anchor(self, *, day: date, sign: Sign) -> Anchor:
        """The signed head, to be put into the stores; then append an `Anchored`."""
        end = self.head()
        return Anchor(end.seq, end.hash, day.isoformat()).signed(sign)

    def prune(self, before: datetime, *, now: datetime) -> int:
        """Removes, oldest first, what was written by `before`, and says so in a new entry; returns how many.

        Stops at the first open intention. What is left verifies from where it begins. Raises
        LedgerTooYoung for a moment less than five years before `now`, ClockSetBack, ClockAhead.
        """
        before = in_utc(before)
        refuse_young(before, now)
        removed = 0
        while True:
            with self._database.begin() as connection:
                self.alone(connection)
                pruned = next_to_go(connection, before)
                if pruned is None:
                    return removed
                self.append_within(connection, [pruned], as_of=now, now=now)
                removed += remove(connection, pruned)

    def verify(
        self, anchors: Iterable[Anchor] = (), *, verify_signature: VerifySignature | None = None
    ) -> Verification:
        """Reads everything at one moment and names every entry that is not what was written.

        `anchors` are what the caller read from the stores; only they reveal a rewritten or shortened
        chain that fits in itself. Signatures are checked when a function to do so is given.
        """
        # Before the look at the ledger: an anchor that somebody sets meanwhile would seem to be of a lost entry.
        known = list(anchors)
        with self._database.snapshot() as connection:
            end = connection.execute(select(head)).first()
            opened = set(connection.execute(select(open_intents.c.seq)).scalars())
            beginning = _beginning(connection.execute(self._latest(Pruned.kind, "")).first())
            rows = connection.execution_options(yield_per=2_000).execute(select(entries).order_by(entries.c.seq))
            return examine(
                (Stored._make(row) for row in rows),
                head=None if end is None else _head(end),
                open_intents=opened,
                anchors=known,
                verify_signature=verify_signature,
                beginning=beginning,
            )

    def append_within(
        self, connection: Connection, bodies: Sequence[B], *, as_of: datetime, now: datetime
    ) -> tuple[Entry[B], ...]:
        """For this room: entries that are written with what they say, in one transaction, or not at all."""
        now, as_of = in_utc(now), in_utc(as_of)
        query = select(head.c.seq, head.c.hash, head.c.at, self._database.clock()).with_for_update()
        row = connection.execute(query).first()
        end = _head(row)
        if end.at is not None and now < end.at - TOLERANCE:
            raise ClockSetBack(now, end.at)
        if row is not None and now > row[3] + TOLERANCE:
            raise ClockAhead(now, row[3])
        stored, previous = [], end.hash
        for seq, body in enumerate(bodies, start=end.seq + 1):
            unsigned = Stored(seq, now, as_of, body.kind, body.subject, body.canonical(), previous, "")
            stored.append(unsigned._replace(hash=entry_hash(unsigned)))
            previous = stored[-1].hash
        connection.execute(insert(entries), [each._asdict() for each in stored])
        connection.execute(update(head).values(seq=stored[-1].seq, hash=previous, at=max(now, end.at or now)))
        return tuple(
            Entry(each.seq, each.at, each.as_of, body, each.previous, each.hash)
            for each, body in zip(stored, bodies, strict=True)
        )

    def _latest(self, kind: str, subject: str | None) -> Any:
        of_kind = select(entries).where(entries.c.kind == kind)
        if subject is not None:
            return of_kind.where(entries.c.subject == subject).order_by(entries.c.seq.desc()).limit(1)
        if self._database.mysql:
            # Reads the kind's part of the index: 0.4 s for a million. Recursion, there, reads it every time.
            last = select(func.max(entries.c.seq)).where(entries.c.kind == kind).group_by(entries.c.subject)
            return of_kind.where(entries.c.seq.in_(last)).order_by(entries.c.seq)
        return text(_HOP).bindparams(kind=kind).columns(*entries.c)


# PostgreSQL would visit every row to group it; this asks the index for the next subject instead.
_HOP = """
WITH RECURSIVE hop(subject) AS (
    SELECT min(subject) FROM ledger_entries WHERE kind = :kind
    UNION ALL
    SELECT (SELECT min(e.subject) FROM ledger_entries e WHERE e.kind = :kind AND e.subject > hop.subject)
    FROM hop WHERE hop.subject IS NOT NULL
), last(seq) AS (
    SELECT (SELECT max(e.seq) FROM ledger_entries e WHERE e.kind = :kind AND e.subject = hop.subject) FROM hop
)
SELECT found.* FROM last JOIN ledger_entries found ON found.seq = last.seq ORDER BY found.seq
"""


def _head(row: Row[*tuple[Any, ...]] | None) -> Head:
    if row is None:
        raise LedgerDamaged("the ledger's head is gone: run `genuka ledger verify` before anything else")
    return Head(row.seq, row.hash, row.at)


def _beginning(row: Row[*tuple[Any, ...]] | None) -> Beginning:
    try:
        body = read_body(row.kind, row.body, row.seq) if row is not None else None
    except LedgerDamaged:
        # The chain names that entry.
        body = None
    return Beginning.after(body, row.at) if row is not None and isinstance(body, Pruned) else FROM_THE_START


def _entry(row: Row[*tuple[Any, ...]]) -> Entry[Body]:
    body = read_body(row.kind, row.body, row.seq)
    return Entry(row.seq, row.at, row.as_of, body, row.previous, row.hash)
