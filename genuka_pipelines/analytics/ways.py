"""The closed list of ways in which a column is staged, each as an expression that the database computes.

A direct identifier is hashed where it stands; what leaves the database can no longer be it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.catalog.staging import StagedColumn
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.state import has_value
from genuka_pipelines.rows.where import UNIT
from genuka_pipelines.systems.column_types import as_text

if TYPE_CHECKING:
    from genuka_pipelines.keys import HmacKey, Keyring

Expression = sa.ColumnElement[Any]
_HOST = "^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$"
_BLOCK = 64
_NO_KEY = bytes(_BLOCK)


def staged(table: DeclaredTable, column: StagedColumn, keys: DayKeys, pseudonym: HmacKey) -> Expression:
    """The expression of one staged column."""
    first = column.of[0]
    dialect = table.home.database.dialect
    match column.way:
        case "copy":
            return table.column(first)
        case "day":
            return dialect.day(Moment(table, first).value())
        case "month":
            return dialect.month(Moment(table, first).value())
        case "host":
            return _host(table, first)
        case "present":
            return has_value(table, first)
        case "pseudonym":
            return dialect.hmac_sha256(_joined(table, column.of), *pseudonym.pads())
        case "device_day":
            return dialect.hmac_sha256(_joined(table, column.of), *keys.pads(table))


class DayKeys:
    """The device-day keys of every UTC day from `first` to `last`, by the day of the column `at`.

    A day whose key is destroyed has none, so that its devices come out as NULL.
    """

    def __init__(self, keyring: Keyring, at: str, first: date, last: date) -> None:
        self.at, self.first = at, first
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        pads = [_pads(keyring, day) for day in days]
        self._inner = b"".join(inner for inner, _ in pads)
        self._outer = b"".join(outer for _, outer in pads)

    def pads(self, table: DeclaredTable) -> tuple[Expression, Expression]:
        """The padded key blocks of the day of each row."""
        dialect = table.home.database.dialect
        day = dialect.day(Moment(table, self.at).value())
        start = dialect.days_since(self.first, day) * _BLOCK + 1
        return dialect.piece(self._inner, start, _BLOCK), dialect.piece(self._outer, start, _BLOCK)


def _pads(keyring: Keyring, day: date) -> tuple[bytes, bytes]:
    from genuka_pipelines.keys import KeyDestroyed

    try:
        return keyring.device_day(day).pads()
    except KeyDestroyed:
        return _NO_KEY, _NO_KEY


def _joined(table: DeclaredTable, columns: tuple[str, ...]) -> Expression:
    """One column, or several told apart by a separator; a NULL among several counts as empty."""
    if len(columns) == 1:
        return table.column(columns[0])
    parts: list[Expression] = []
    for name in columns:
        parts += [sa.literal(UNIT, sa.Text), sa.func.coalesce(as_text(table.column(name)), sa.literal("", sa.Text))]
    return sa.func.concat(*parts[1:], type_=sa.Text())


def _host(table: DeclaredTable, name: str) -> Expression:
    """The host of a URL in lower case; NULL where there is none, so that nothing else slips through."""
    dialect = table.home.database.dialect
    text = dialect.part(as_text(table.column(name)), "://", last=True)
    for separator in ("/", "?", "#"):
        text = dialect.part(text, separator)
    host = sa.func.lower(dialect.part(dialect.part(text, "@", last=True), ":"))
    return sa.case((dialect.matches(host, _HOST), host), else_=sa.null())
