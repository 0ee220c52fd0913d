"""PostgreSQL 14 and later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from genuka_pipelines.systems.column_types import PlainText, UtcTime, as_text, kind_of, precision
from genuka_pipelines.systems.dialect import CONNECT_SECONDS, Bytes, Dialect, Text
from genuka_pipelines.systems.errors import Trouble
from genuka_pipelines.systems.key_block import key_block

if TYPE_CHECKING:
    from genuka_pipelines.systems.database import Database
    from genuka_pipelines.systems.dump import Dump, Load
    from genuka_pipelines.systems.snapshot import Snapshot
    from genuka_pipelines.systems.writer import Writer

_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), sa.BigInteger()),
    **dict.fromkeys(("float4", "float8"), sa.Double()),
    **dict.fromkeys(("text", "varchar"), PlainText()),
    **dict.fromkeys(("bpchar", "citext", "name", "uuid"), PlainText(native=False)),
    **dict.fromkeys(("json", "jsonb"), PlainText("json", native=False)),
    **dict.fromkeys(("time", "timetz"), PlainText("time", native=False)),
    "bool": sa.Boolean(),
    "date": sa.Date(),
    "timestamp": UtcTime(),
    "timestamptz": UtcTime(zoned=True),
    "bytea": sa.LargeBinary(),
}

_REFERENCED = ("23503", "23001")
_STATES: Mapping[str, Trouble] = {
    "42P01": "missing_table",
    "42703": "missing_column",
    "25006": "read_only",
    "42501": "not_permitted",
    "55P03": "locked",
    "40P01": "locked",
    "40001": "locked",
    "57014": "too_slow",
    "53300": "busy",
    "57P01": "lost",
    "57P02": "lost",
    "57P03": "busy",
    "28P01": "login",
    "28000": "login",
    "3D000": "no_database",
}

# libpq gives no code for a connection that never was, nor a bulk reader for one that broke: only
# their texts tell one case from another.
_OPENING: tuple[tuple[str, Trouble], ...] = (
    ("password authentication failed", "login"),
    ("no password supplied", "login"),
    ("pg_hba.conf", "login"),
    ("permission denied for database", "no_database"),
    ("FATAL:  role ", "login"),
    ("FATAL:  database ", "no_database"),
    ("Connection refused", "refused"),
    ("No such file or directory", "refused"),
    ("resolve host", "no_host"),
    ("translate host name", "no_host"),
    ("timeout", "no_answer"),
    ("too many", "busy"),
    ("connection slots", "busy"),
    ("starting up", "busy"),
    ("SSL", "tls"),
)
_READING: tuple[tuple[str, Trouble], ...] = (
    ("statement timeout", "too_slow"),
    ("terminating connection", "lost"),
    ("closed the connection", "lost"),
    ("connection to server was lost", "lost"),
)


def session(timeout: float | None) -> tuple[str, ...]:
    """What each new connection is told, whichever driver opened it."""
    return (
        "SET client_encoding TO 'UTF8'",
        "SET TIME ZONE 'UTC'",
        "SET DateStyle TO 'ISO'",
        "SET standard_conforming_strings TO on",
        f"SET statement_timeout TO {int((timeout or 0) * 1000)}",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    )


class PostgreSQL(Dialect):
    """Read by psycopg, in bulk by ADBC."""

    name = "postgresql"
    drivername = "postgresql+psycopg"
    inventory = """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
               CASE WHEN coalesce(b.typtype, t.typtype) = 'e' THEN 'name'
                    ELSE coalesce(b.typname, t.typname) END,
               NULL, NOT (a.attnotnull OR t.typnotnull)
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
         WHERE c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relispartition
         ORDER BY c.relname, a.attnum"""
    row_security = """
        SELECT c.relname FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
         WHERE c.relkind IN ('r', 'p') AND row_security_active(c.oid) ORDER BY c.relname"""
    bypasses_row_security = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"

    def connect_args(self, url: sa.URL) -> dict[str, Any]:
        """A bound on the wait for a connection, unless the URL gives one."""
        return {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}

    def prepare(self, connection: Any, timeout: float | None) -> None:
        """Run the session's statements."""
        for statement in session(timeout):
            connection.execute(statement)
        connection.commit()

    def sql_type(self, base: str, declared: str, collation: str | None) -> sa.types.TypeEngine[Any]:  # noqa: ARG002
        """By the base type of a domain; an enum counts as text."""
        if base == "numeric":
            return sa.Numeric(*(precision(declared) or ()))
        return _TYPES.get(base) or PlainText("other", native=False)

    def trouble(self, error: BaseException) -> tuple[Trouble, str]:
        """By SQLSTATE; before there is a connection, by what libpq is known to say."""
        code = getattr(error, "sqlstate", None)
        if code in _REFERENCED:
            return "referenced", str(getattr(getattr(error, "diag", None), "table_name", None) or "?")
        if code:
            state = "lost" if code.startswith("08") else _STATES.get(code, "query")
            return state, code if state == "query" else ""
        text = str(error)
        opening = text.startswith(("connection ", "failed to resolve"))
        said = next((trouble for saying, trouble in (_OPENING if opening else _READING) if saying in text), None)
        return said or ("unopened" if opening else "query"), ""

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Psycopg's and ADBC's."""
        import adbc_driver_manager
        import psycopg

        return psycopg.Error, adbc_driver_manager.Error

    def snapshot(self, engine: sa.Engine, timeout: float | None) -> Snapshot:
        """By ADBC, on a connection of its own."""
        from genuka_pipelines.systems.postgresql.stream import PostgreSQLSnapshot

        return PostgreSQLSnapshot(engine.url, session(timeout))

    def dump(self, database: Database, workers: int) -> Dump:
        """By COPY, an exported snapshot for all workers."""
        from genuka_pipelines.systems.postgresql.dump import PostgreSQLDump

        return PostgreSQLDump(database, workers)

    def load(self, database: Database, schema: str | None) -> Load:
        """By COPY, in a schema that takes the wanted name at the end."""
        from genuka_pipelines.systems.postgresql.load import PostgreSQLLoad

        return PostgreSQLLoad(database, schema)

    def writer(self) -> Writer:
        """By ctid, the place of a row in its file."""
        from genuka_pipelines.systems.postgresql.writer import PostgreSQLWriter

        return PostgreSQLWriter()

    def product(self, connection: sa.Connection) -> tuple[str, str]:
        """PostgreSQL and its version."""
        return "PostgreSQL", str(connection.execute(sa.text("SHOW server_version")).scalar()).split()[0]

    def day(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
        """A cast: sessions are in UTC."""
        return sa.cast(moment, sa.Date)

    def month(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
        """date_trunc, cast."""
        return sa.cast(sa.func.date_trunc("month", moment), sa.Date)

    def minutes_between(self, earlier: sa.ColumnElement[Any], later: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """Seconds of the difference, in sixties."""
        seconds = sa.extract("epoch", later - earlier)
        return sa.cast(sa.func.floor(seconds / sa.literal_column("60")), sa.BigInteger)

    def setting(self, document: sa.ColumnElement[Any], key: str) -> Text:
        """->>, which finds nothing in a list."""
        return sa.cast(document, JSONB).op("->>")(sa.literal(key, PlainText())).cast(sa.Text)

    def days_since(self, first: date, day: sa.ColumnElement[date]) -> sa.ColumnElement[int]:
        """The difference of two dates."""
        return sa.type_coerce(day - sa.cast(sa.literal(first, sa.Date), sa.Date), sa.Integer())

    def from_seconds(self, seconds: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """to_timestamp."""
        return sa.func.to_timestamp(seconds, type_=UtcTime(zoned=True))

    def as_moment(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A cast: sessions are in UTC."""
        return sa.cast(day, UtcTime(zoned=True))

    def alike(
        self, mine: sa.ColumnElement[Any], theirs: sa.ColumnElement[Any]
    ) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """As text where their kinds differ."""
        return (mine, theirs) if kind_of(mine) == kind_of(theirs) else (as_text(mine), as_text(theirs))

    def text(self, element: sa.ColumnElement[Any]) -> Text:
        """A cast, where it is needed."""
        return as_text(element)

    def position(self, needle: Text, hay: str) -> sa.ColumnElement[int]:
        """Strpos."""
        return sa.func.strpos(sa.literal(hay, PlainText()), needle, type_=sa.Integer())

    def part(self, text: Text, separator: str, place: int) -> Text:
        """split_part."""
        marked = sa.literal(separator, PlainText())
        return sa.func.split_part(text, marked, sa.literal_column(str(place)), type_=sa.Text())

    def matches(self, text: Text, pattern: str) -> sa.ColumnElement[bool]:
        """~, under the C collation."""
        return sa.collate(text, "C").op("~", is_comparison=True)(sa.literal(pattern, PlainText()))

    def digits(self, text: Text) -> Text:
        """See Dialect.digits."""
        return sa.func.regexp_replace(text, "[^0-9]", "", "g", type_=sa.Text())

    def before(self, text: Text, other: str) -> sa.ColumnElement[bool]:
        """<, under the C collation."""
        return sa.collate(text, "C") < sa.literal(other, PlainText())

    def octets(self, text: Text) -> Bytes:
        """convert_to."""
        return sa.func.convert_to(text, sa.literal_column("'UTF8'"), type_=sa.LargeBinary())

    def piece(self, block: bytes, start: sa.ColumnElement[int], length: int) -> Bytes:
        """Substring of a bytea."""
        found = sa.func.substring(key_block(block), start, sa.literal_column(str(length)))
        zeros: Bytes = sa.literal_column(f"decode('{'00' * length}', 'hex')")
        return sa.func.nullif(sa.func.nullif(found, zeros), sa.literal_column("''::bytea"), type_=sa.LargeBinary())

    def _hmac(self, message: Bytes, ipad: Bytes, opad: Bytes) -> Text:
        inner = sa.func.sha256(ipad.op("||")(message), type_=sa.LargeBinary())
        return sa.func.encode(sa.func.sha256(opad.op("||")(inner)), sa.literal_column("'hex'"), type_=sa.Text())
