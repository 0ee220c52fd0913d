"""The few kinds of column that rules and exports tell apart, and their SQLAlchemy and Arrow types.

Two servers name forty types; a rule needs to know whether it can compare a time, and a stream how to
keep a value exact. Text is bound without a cast, so that indexes on CHAR columns stay usable.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, UserDefinedType

if TYPE_CHECKING:
    import pyarrow as pa

Query = sa.Select[*tuple[Any, ...]]
"""A SELECT of any columns."""
Kind = Literal["text", "integer", "decimal", "float", "boolean", "timestamp", "date", "time", "json", "bytes", "other"]


class PlainText(UserDefinedType[str]):
    """Text, or a type that leaves the database as its text: an enum, a UUID, JSON.

    `native` says that the server already holds it as text of variable length; `collation` is MySQL's.
    """

    cache_ok = True

    def __init__(self, kind: Kind = "text", native: bool = True, collation: str | None = None) -> None:
        self.kind, self.native, self.collation = kind, native, collation

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL and casts."""
        return "TEXT"

    def literal_processor(self, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """Standard quoting; where a backslash is a sign of its own, the compiler doubles it."""
        return lambda value: "'" + value.replace("'", "''") + "'"


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, whether the column keeps a zone or (as Laravel does) plain UTC."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, zoned: bool = False) -> None:
        super().__init__(timezone=zoned)
        self.zoned = zoned

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Aware to the column's own form; ValueError for a naive datetime, which has no moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment if self.zoned else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """The column's own form to aware UTC; PyMySQL gives a computed moment as text."""
        if value is None:
            return None
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def kind_of(element: sa.ColumnElement[Any]) -> Kind:
    """The kind of a column or expression, by its type."""
    held = element.type
    if isinstance(held, PlainText):
        return held.kind
    kinds: tuple[tuple[type[Any] | tuple[type[Any], ...], Kind], ...] = (
        ((UtcTime, sa.DateTime), "timestamp"),
        (sa.Date, "date"),
        (sa.Boolean, "boolean"),
        (sa.Float, "float"),
        (sa.Numeric, "decimal"),
        (sa.Integer, "integer"),
        (sa.LargeBinary, "bytes"),
        (sa.String, "text"),
    )
    return next((kind for types, kind in kinds if isinstance(held, types)), "other")


def as_text(element: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The text of a column: itself where it is text already."""
    held = element.type
    if isinstance(held, sa.String) or (isinstance(held, PlainText) and held.native):
        return element
    return sa.cast(element, sa.Text)


def precision(declared: str) -> tuple[int, int] | None:
    """(digits, decimals) of a declared `numeric(15,2)`, or None where it has no bound."""
    match = re.search(r"\((\d+)(?:,\s*(-?\d+))?\)", declared)
    return (int(match[1]), int(match[2] or 0)) if match else None


def arrow_type(element: sa.ColumnElement[Any]) -> pa.DataType:
    """The Arrow type that a column streams as; times are UTC microseconds, unbounded decimals their text."""
    import pyarrow as pa

    held = element.type
    kind = kind_of(element)
    if kind == "decimal" and isinstance(held, sa.Numeric) and held.precision and held.precision <= 38:
        return pa.decimal128(held.precision, held.scale or 0)
    if kind == "integer" and getattr(held, "unsigned", False):
        return pa.uint64()
    return {
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "bytes": pa.binary(),
    }.get(kind, pa.string())
