"""The ledger's own end: entries past their time leave from the beginning, and the chain still verifies.

Evidence that was never deleted would break the promise it proves; evidence that anyone could delete
would prove nothing. So the database itself lets an old entry go only under a newer one that says so.
"""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection, delete, func, select

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.control.bodies import Pruned
from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.errors import LedgerTooYoung
from genuka_pipelines.control.tables import entries, open_intents

KEPT = Period("P5Y")
"""What the facts declare of the ledger, and the triggers of the database enforce."""
PAGE = 10_000
"""Entries removed in one transaction: nobody appends meanwhile."""


def refuse_young(before: datetime, now: datetime) -> None:
    """LedgerTooYoung unless everything written by `before` has been kept long enough at `now`."""
    if before > KEPT.cutoff(in_utc(now)):
        raise LedgerTooYoung(
            f"entries of the ledger are kept for five years and {before:%Y-%m-%d} is less than that ago: "
            "give an earlier moment, nothing was removed"
        )


def next_to_go(connection: Connection, before: datetime) -> Pruned | None:
    """The oldest entries that may go at once: written by `before`, none after the first open intention."""
    first_open = connection.execute(select(func.min(open_intents.c.seq))).scalar()
    query = select(entries.c.seq, entries.c.hash, entries.c.at).order_by(entries.c.seq).limit(PAGE)
    if first_open is not None:
        query = query.where(entries.c.seq < first_open)
    gone = list(takewhile(lambda row: row.at <= before, connection.execute(query)))
    if not gone:
        return None
    return Pruned(through=gone[-1].seq, last_hash=gone[-1].hash, count=len(gone), before=before.date())


def remove(connection: Connection, pruned: Pruned) -> int:
    """Removes what the ledger's last entry says is removed."""
    return connection.execute(delete(entries).where(entries.c.seq <= pruned.through)).rowcount
