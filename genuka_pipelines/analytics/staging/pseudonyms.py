"""The keyed hashes of a staged table, computed where the values are.

A pseudonym lasts for an epoch of its key, a device_day for one UTC day; a day's key that is destroyed
gives NULL, never the hash of another key, or days would be linked after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from genuka_pipelines.analytics.errors import CannotStage
from genuka_pipelines.catalog.staging import Staging
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.where import UNIT
from genuka_pipelines.systems.column_types import Query
from genuka_pipelines.systems.snapshot import Snapshot

Family = Literal["identity", "browser"]
Pads = tuple[str, bytes, bytes]
"""A key's public id, and its padded blocks of RFC 2104."""
_BLOCK = 64
_LONGEST = 5 * 366
"""Days before the staged moment that are still given a key; none lives that long."""


class PseudonymKeys(Protocol):
    """Where keys come from."""

    def pads(self, family: Family, day: date | None) -> Pads | None:
        """The key of an epoch, or with `day` of that UTC day; None for one that is destroyed."""


def message(table: DeclaredTable, columns: Sequence[str]) -> sa.ColumnElement[Any]:
    """What is hashed: the text of one column, or several joined by U+001F; NULL where all are."""
    for name in columns:
        if table.kind(name) not in ("text", "integer"):
            raise UnfitColumn(table.name, name, table.kind(name), "text or a whole number, to be hashed")
    text = table.home.database.dialect.text
    texts = [text(table.column(name)) for name in columns]
    if len(texts) == 1:
        return texts[0]
    joined: list[sa.ColumnElement[Any]] = []
    for one in texts:
        joined += [sa.literal(UNIT, sa.Text), sa.func.coalesce(one, sa.literal("", sa.Text))]
    some = sa.or_(*(table.column(name).is_not(None) for name in columns))
    return sa.case((some, sa.func.concat(*joined[1:], type_=sa.Text())))


def day_of(table: DeclaredTable, staging: Staging) -> sa.ColumnElement[date]:
    """The UTC day of a row, from the source of the first staged column that is a day."""
    source = next((made.of[0] for made in staging.columns.values() if made.way == "day"), None)
    if source is None:
        raise CannotStage(
            f"'{table.name}' stages a device_day and no day, so nothing says which day's key makes it; "
            "stage a column as {day: …} too"
        )
    return table.home.database.dialect.day(Moment(table, source).value())


@dataclass(frozen=True)
class DayKeys:
    """The keys of the days of a table, as two secret blocks of 64 bytes a day from `first` to `last`."""

    first: date
    last: date
    ipads: bytes = field(repr=False)
    opads: bytes = field(repr=False)
    ids: tuple[str, ...] = ()
    unkeyed: int = 0

    def device_day(
        self, table: DeclaredTable, day: sa.ColumnElement[date], columns: Sequence[str]
    ) -> sa.ColumnElement[str]:
        """The keyed hash of columns under the key of the row's day; NULL where that has none."""
        dialect = table.home.database.dialect
        start = dialect.days_since(self.first, day) * _BLOCK + 1
        pads = (dialect.piece(block, start, _BLOCK) for block in (self.ipads, self.opads))
        keyed = dialect.hmac_sha256(message(table, columns), *pads)
        return sa.case((day.between(self.first, self.last), keyed))


NO_DAYS = DayKeys(date(1970, 1, 1), date(1970, 1, 1), b"", b"")
"""For tables without a device_day: no day has a key."""


def day_keys(
    snapshot: Snapshot, rows: Query, day: sa.ColumnElement[date], keys: PseudonymKeys, as_of: datetime
) -> DayKeys:
    """The keys of the days that occur in `rows`; days to come, and long past, have none."""
    counted = rows.with_only_columns(day.label("day"), sa.func.count().label("rows")).group_by(day)
    found: dict[date, int] = {}
    unkeyed = 0
    for held, number in snapshot.rows(counted):
        if held is not None and as_of.date() - timedelta(days=_LONGEST) <= held <= as_of.date():
            found[held] = number
        else:
            unkeyed += number
    pads = {held: keys.pads("browser", held) for held in sorted(found)}
    unkeyed += sum(number for held, number in found.items() if pads[held] is None)
    known = {held: given for held, given in pads.items() if given is not None}
    first, last = min(known, default=as_of.date()), max(known, default=as_of.date())
    spread = [known.get(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    return DayKeys(
        first,
        last,
        b"".join(given[1] if given else bytes(_BLOCK) for given in spread),
        b"".join(given[2] if given else bytes(_BLOCK) for given in spread),
        tuple(given[0] for given in known.values()),
        unkeyed,
    )
