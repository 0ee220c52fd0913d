"""One way to write an entry down as bytes.

Two programs must compute the same hash from the same entry for years; JSON has many spellings, so
the ledger uses exactly one: sorted keys, no spaces, ASCII, no floats.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import NamedTuple

GENESIS = "0" * 64
"""The hash that the first entry names as its predecessor's."""


class Stored(NamedTuple):
    """An entry exactly as the table holds it: nothing parsed, nothing trusted."""

    seq: int
    at: datetime
    as_of: datetime
    kind: str
    subject: str
    body: str
    previous: str
    hash: str


def canonical_json(value: object) -> str:
    """The one spelling of a JSON value. ValueError for a float, which has several."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def instant(moment: datetime) -> str:
    """An aware moment as `2026-11-22T03:15:00.000000Z`; ValueError when it has no zone."""
    return in_utc(moment).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; ValueError when it has no zone, for it then means several moments."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)


def entry_hash(entry: Stored) -> str:
    """SHA-256, in hex, of the entry's canonical JSON: an object of seven keys, all but `hash`.

    `body` is already canonical and is set in as it is. The kind and subject come from the entry's
    own columns, so an altered index column is found like an altered body.
    """
    text = (
        f'{{"as_of":"{instant(entry.as_of)}","at":"{instant(entry.at)}","body":{entry.body},'
        f'"kind":{json.dumps(entry.kind)},"previous":{json.dumps(entry.previous)},"seq":{entry.seq},'
        f'"subject":{json.dumps(entry.subject)}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_floats(value: object) -> None:
    waiting = [value]
    for part in waiting:  # which grows meanwhile
        if isinstance(part, float):
            raise ValueError("a canonical value holds no floats: write an integer of a smaller unit")
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
