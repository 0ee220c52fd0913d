"""The moment that a column holds: a timestamp, a day, Unix seconds, or the time inside a ULID.

Each is compared with one constant in its own form, which keeps an index usable; a value that names
no moment (NULL, a zero or infinite date, a malformed ULID) is unknown, never early. Of several rows the
latest moment counts, whatever the others lack: a floor must not end because somebody never logged in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import Anchor
from genuka_pipelines.catalog.table import own_column
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.link import Link, link
from genuka_pipelines.rows.path import Predicate, is_not_true
from genuka_pipelines.systems.column_types import UtcTime, as_text

_ULID = "ulid:"
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_WELL_FORMED = "^[0-7][0-9a-hjkmnp-tv-z]{25}$"
_EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
"""MySQL's zero date and PostgreSQL's -infinity lie before it."""


class Moment:
    """What a reference of a rule reads, seen from the table of the rule.

    Where that reaches several rows, it is the latest of their known moments, and unknown where none is. A
    row without a date says nothing of the others: what it dates has not happened to it (nobody logged in,
    no invoice was issued), and a law that speaks of it keeps it in its own table.

    With `or_flag` it is an event that ends a period sooner: the first of several is enough. It may be a
    boolean, which is known and over exactly where it is true.
    """

    def __init__(self, table: DeclaredTable, reference: str, *, or_flag: bool = False) -> None:
        name, _, self._column = own_column(reference).rpartition(".")
        self._link: Link = link(table, name or table.name)
        self._ulid = reference.startswith(_ULID)
        self._or_flag = or_flag

    def known(self) -> Predicate:
        """The row has this moment."""
        return self._link.some(self._known)

    def by(self, limit: datetime) -> Predicate:
        """The moment is known and not after `limit`."""
        some = self._link.some(lambda target: self._by(target, limit))
        if self._or_flag or not self._link.several:
            return some
        return some & ~self._link.some(lambda target: self._known(target) & is_not_true(self._by(target, limit)))

    def there(self) -> Predicate:
        """There is a row to have this moment at all."""
        return self._link.some(lambda _: sa.true())

    def value(self) -> sa.ColumnElement[Any]:
        """The moment itself, NULL where it is unknown."""
        return (self._link.first if self._or_flag else self._link.value)(self._value)

    def _read(self, target: DeclaredTable) -> tuple[sa.ColumnElement[Any], str]:
        column, kind = target.column(self._column), target.kind(self._column)
        fitting = ("text",) if self._ulid else ("timestamp", "date", "integer")
        if kind not in fitting and not (kind == "boolean" and self._or_flag):
            needed = "a ULID in text" if self._ulid else "a timestamp, a date or Unix seconds"
            raise UnfitColumn(target.name, self._column, kind, needed)
        return (sa.func.lower(as_text(column)), "ulid") if self._ulid else (column, kind)

    def _known(self, target: DeclaredTable) -> Predicate:
        column, kind = self._read(target)
        if kind == "ulid":
            return target.home.database.dialect.matches(column, _WELL_FORMED)
        if kind == "integer":
            return column > 0
        if kind == "boolean":
            return column.is_(sa.true())
        return column >= (_EARLIEST.date() if kind == "date" else _EARLIEST)

    def _by(self, target: DeclaredTable, limit: datetime) -> Predicate:
        column, kind = self._read(target)
        known = self._known(target)
        if kind == "ulid":
            after = _ulid_after(limit)
            return known & target.home.database.dialect.before(column, after) if after else sa.false()
        if kind == "boolean":
            return known
        if kind == "integer":
            return known & (column <= int(limit.timestamp() // 1))
        return known & (column <= (limit.astimezone(UTC).date() if kind == "date" else limit))

    def _value(self, target: DeclaredTable) -> sa.ColumnElement[Any]:
        column, kind = self._read(target)
        dialect = target.home.database.dialect
        if kind == "boolean":
            return sa.cast(sa.null(), UtcTime(zoned=True))
        if kind == "date":
            moment = dialect.as_moment(column)
        elif kind == "integer":
            moment = dialect.from_seconds(column)
        elif kind == "ulid":
            total: sa.ColumnElement[int] = sa.cast(sa.literal_column("0"), sa.BigInteger)
            for place in range(1, 11):
                letter = sa.func.substr(column, place, 1)
                total = total * 32 + dialect.position(letter, _CROCKFORD) - 1
            moment = dialect.from_seconds(total / sa.literal_column("1000.0"))
        else:
            moment = column
        return sa.case((self._known(target), moment))


def anchor_by(table: DeclaredTable, anchor: Anchor, limit: datetime) -> Predicate:
    """The anchor is known and not after `limit`."""
    moments = [Moment(table, reference) for reference in anchor.of]
    if len(moments) == 1:
        return moments[0].by(limit)
    if anchor.pick == "earliest":
        return sa.or_(*(moment.by(limit) for moment in moments))
    if anchor.pick == "latest":
        none_later = (is_not_true(moment.known()) | moment.by(limit) for moment in moments)
        return sa.and_(anchor_known(table, anchor), *none_later)
    cases: list[Predicate] = []
    for place, moment in enumerate(moments):
        cases.append(sa.and_(moment.by(limit), *(is_not_true(earlier.known()) for earlier in moments[:place])))
    return sa.or_(*cases)


def anchor_known(table: DeclaredTable, anchor: Anchor) -> Predicate:
    """At least one of the anchor's moments is known."""
    return sa.or_(*(Moment(table, reference).known() for reference in anchor.of))


def anchor_value(table: DeclaredTable, anchors: Sequence[Anchor]) -> sa.ColumnElement[Any]:
    """The moment of the first of several anchors that is known."""
    found = []
    for anchor in anchors:
        values = [Moment(table, reference).value() for reference in anchor.of]
        if anchor.pick == "first_known" or len(values) == 1:
            found += values
        else:
            # MySQL's LEAST is NULL where one argument is; a NULL here borrows a neighbour's value.
            filled = [sa.func.coalesce(value, *values) for value in values]
            chosen = sa.func.least if anchor.pick == "earliest" else sa.func.greatest
            found.append(chosen(*filled))
    kind = UtcTime(zoned=True) if table.home.database.dialect.name == "postgresql" else UtcTime()
    return sa.type_coerce(sa.func.coalesce(*found) if len(found) > 1 else found[0], kind)


def _ulid_after(limit: datetime) -> str | None:
    """The time part of the first millisecond after `limit`: whatever is not after `limit` sorts before it."""
    number = int(limit.timestamp() * 1000 // 1) + 1
    if number <= 0:
        return None
    digits = ""
    for _ in range(10):
        number, digit = divmod(number, 32)
        digits = _CROCKFORD[digit] + digits
    return digits
