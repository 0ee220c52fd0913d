"""The one place where the reference schema knows that MySQL and PostgreSQL differ.

Genuka runs on MySQL; this house must keep the same promises on both. Were a type spelled in a
table's file, the two dialects would drift apart and a test on one would prove nothing of the other.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CHAR,
    DECIMAL,
    JSON,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Integer,
    SmallInteger,
    String,
    Text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

_MYSQL = ("mysql", "mariadb")


def ulid() -> TypeEngine[str]:
    """A lower-case ULID, `char(26)`; ascii on MySQL, so an index entry takes 26 bytes and not 104."""
    return CHAR(26).with_variant(mysql.CHAR(26, charset="ascii", collation="ascii_bin"), *_MYSQL)


def token(length: int) -> TypeEngine[str]:
    """An identifier or hash of ascii characters, compared byte for byte."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), *_MYSQL)


def words(length: int = 255) -> TypeEngine[str]:
    """A short text, `varchar`, in any script."""
    return String(length)


def serial() -> TypeEngine[int]:
    """`bigint unsigned` on MySQL, `bigint` on PostgreSQL."""
    return BigInteger().with_variant(mysql.BIGINT(unsigned=True), *_MYSQL)


def stamp() -> TypeEngine[datetime]:
    """A UTC moment of second precision, without zone.

    On MySQL this is `TIMESTAMP`, which the server converts by the session's time zone: every
    session must say `SET time_zone = '+00:00'`, or it reads another moment than was written.
    """
    # Dagster's storage, once imported, makes every plain TIMESTAMP one of microseconds; not MySQL's own type.
    own = TIMESTAMP().with_variant(mysql.TIMESTAMP(), *_MYSQL)
    return own.with_variant(postgresql.TIMESTAMP(timezone=False, precision=0), "postgresql")


def document() -> TypeEngine[Any]:
    """JSON; an empty map arrives as `[]` because PHP prints it so."""
    return JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql")


def money() -> TypeEngine[Decimal]:
    """An amount in major units; XAF and XOF have no minor unit, so major is minor there only."""
    return DECIMAL(15, 2)


def quantity() -> TypeEngine[Decimal]:
    """A quantity; recipes use thirds of a kilo, so it is not an integer."""
    return DECIMAL(12, 3)


def degree() -> TypeEngine[Decimal]:
    """A latitude or a longitude, to about ten centimetres."""
    return DECIMAL(9, 6)


def flag() -> TypeEngine[bool]:
    """`tinyint(1)` on MySQL, `boolean` on PostgreSQL."""
    return Boolean()


def tiny() -> TypeEngine[int]:
    """A small code, such as an order's state."""
    return SmallInteger().with_variant(mysql.TINYINT(unsigned=True), *_MYSQL)


def number() -> TypeEngine[int]:
    """A count, or a Unix second."""
    return Integer()


def prose() -> TypeEngine[str]:
    """Free text of any length."""
    return Text()


def blob_text() -> TypeEngine[str]:
    """Serialised text that may pass MySQL's 64 KiB `TEXT`."""
    return Text().with_variant(mysql.LONGTEXT(), *_MYSQL)
