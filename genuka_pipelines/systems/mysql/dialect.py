"""MySQL 8 and MariaDB 10.6 and later: one dialect, told apart by the connection where it matters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from genuka_pipelines.catalog.host import is_this_machine
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
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), sa.BigInteger()),
    **dict.fromkeys(("float", "double"), sa.Double()),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), sa.LargeBinary()),
    **dict.fromkeys(("datetime", "timestamp"), UtcTime()),
    "date": sa.Date(),
    "time": PlainText("time", native=False),
    "json": PlainText("json", native=False),
    "uuid": PlainText(native=False),
}

_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")

_CODES: Mapping[int, Trouble] = {
    **dict.fromkeys((1045, 1698), "login"),
    **dict.fromkeys((1044, 1049), "no_database"),
    **dict.fromkeys((1040, 1203, 1226), "busy"),
    **dict.fromkeys((2006, 2013, 2055, 1053, 1927), "lost"),
    **dict.fromkeys((1142, 1143, 1227, 1370), "not_permitted"),
    **dict.fromkeys((1792, 1290, 1836), "read_only"),
    **dict.fromkeys((1969, 3024, 1317), "too_slow"),
    **dict.fromkeys((1205, 1213, 3572), "locked"),
    2026: "tls",
    1146: "missing_table",
    1054: "missing_column",
    1153: "too_large",
}
_REFERENCED = (1451, 1217)
_REFERRING = re.compile(r"fails \(`[^`]*`\.`([^`]*)`")
_MICROSECONDS = 6


def in_utf8(text: sa.ColumnElement[Any]) -> Text:
    """The characters of a text in UTF-8, whatever the character set of its column."""
    return _using(text, sa.literal_column("utf8mb4"))


def _using(text: sa.ColumnElement[Any], charset: sa.ColumnElement[Any]) -> Text:
    return sa.func.convert(text.op("USING")(charset), type_=sa.Text())


def _encryption(url: sa.URL) -> dict[str, Any]:
    """TLS as the URL says; else none on this machine, and beyond it no connection without.

    Left alone, PyMySQL loads every certificate authority for each connection, 30 ms that a local one
    need not pay, and goes on in clear where a server, or somebody before it, offers no TLS.
    """
    said = url.query.get("ssl_disabled")
    if said is not None and str(said).lower() not in ("0", "false", "no", "off"):
        return {"ssl_disabled": True}
    # As text, "false" would count as yes.
    wanted = {} if said is None else {"ssl_disabled": False}
    if any(option.startswith("ssl") and option != "ssl_disabled" for option in url.query):
        return wanted
    if said is None and _on_this_machine(url):
        return {"ssl_disabled": True}
    # Any option makes PyMySQL require TLS; a certificate is checked where the URL names an authority (ssl_ca).
    return wanted | {"ssl": {"check_hostname": False}}


def _on_this_machine(url: sa.URL) -> bool:
    host = url.query.get("host") or url.host
    return "unix_socket" in url.query or is_this_machine(None if host is None else str(host))


class MySQL(Dialect):
    """Read by PyMySQL, in bulk with each row formatted on the server."""

    name = "mysql"
    drivername = "mysql+pymysql"
    inventory = """
        SELECT c.table_name AS a, c.column_name AS b, c.column_type AS c, c.data_type AS d,
               c.collation_name AS e, c.is_nullable = 'YES' AS f
          FROM information_schema.columns c
          JOIN information_schema.tables t
            ON t.table_schema = c.table_schema AND t.table_name = c.table_name
         WHERE c.table_schema = database() AND t.table_type NOT IN ('VIEW', 'SYSTEM VIEW', 'SEQUENCE')
         ORDER BY c.table_name, c.ordinal_position"""
    row_security = None
    bypasses_row_security = None

    def connect_args(self, url: sa.URL) -> dict[str, Any]:
        """Full UTF-8, the default SQL mode's quoting whatever the server's is, and how to encrypt."""
        bound = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
        return {"charset": "utf8mb4", "sql_mode": "", **bound, **_encryption(url)}

    def prepare(self, connection: Any, timeout: float | None) -> None:
        """Run the session's statements; the two products name their timeout differently."""
        mariadb = "MariaDB" in connection.get_server_info()
        patience = (
            f"SET SESSION max_statement_time = {timeout or 0}"
            if mariadb
            else f"SET SESSION max_execution_time = {int((timeout or 0) * 1000)}"
        )
        with connection.cursor() as cursor:
            for statement in (
                "SET time_zone = '+00:00'",
                patience,
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "SET SESSION TRANSACTION READ ONLY",
            ):
                cursor.execute(statement)
        connection.commit()

    def sql_type(self, base: str, declared: str, collation: str | None) -> sa.types.TypeEngine[Any]:
        """`tinyint(1)` is the boolean of Laravel; an unsigned bigint keeps its upper half."""
        if declared.startswith("tinyint(1)"):
            return sa.Boolean()
        if base == "bigint" and "unsigned" in declared:
            return mysql.BIGINT(unsigned=True)
        if base == "decimal":
            return sa.Numeric(*(precision(declared) or ()))
        if base in _TEXTS:
            return PlainText(collation=collation)
        return _TYPES.get(base) or PlainText("other", native=False)

    def trouble(self, error: BaseException) -> tuple[Trouble, str]:
        """By the number of the error; a connection that never was hides the cause inside."""
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        if number == 2003:
            cause = getattr(error, "original_exception", None)
            kinds: tuple[tuple[type[BaseException], Trouble], ...] = (
                (TimeoutError, "no_answer"),
                (ConnectionRefusedError, "refused"),
                (FileNotFoundError, "refused"),
            )
            by_name = type(cause).__name__ == "gaierror"
            known = next((trouble for kind, trouble in kinds if isinstance(cause, kind)), None)
            return known or ("no_host" if by_name else "unopened"), ""
        if number in _REFERENCED:
            found = _REFERRING.search(str(error.args[1:]))
            return "referenced", found[1] if found else "?"
        state = _CODES.get(number or 0)
        return (state, "") if state else ("query", "" if number is None else str(number))

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """PyMySQL's."""
        import pymysql

        return (pymysql.MySQLError,)

    def snapshot(self, engine: sa.Engine, timeout: float | None) -> Snapshot:  # noqa: ARG002
        """On a connection of the pool, which `prepare` made ready."""
        from genuka_pipelines.systems.mysql.stream import MySQLSnapshot

        return MySQLSnapshot(engine)

    def dump(self, database: Database, workers: int) -> Dump:
        """Each row formatted on the server, all workers behind one short lock."""
        from genuka_pipelines.systems.mysql.dump import MySQLDump

        return MySQLDump(database, workers)

    def load(self, database: Database, schema: str | None) -> Load:
        """By LOAD DATA or INSERT, in a database beside."""
        from genuka_pipelines.systems.mysql.load import MySQLLoad

        return MySQLLoad(database, schema)

    def writer(self) -> Writer:
        """By primary key, the order of a table of InnoDB."""
        from genuka_pipelines.systems.mysql.writer import MySQLWriter

        return MySQLWriter()

    def product(self, connection: sa.Connection) -> tuple[str, str]:
        """MariaDB or MySQL, and its version."""
        version = str(connection.execute(sa.text("SELECT version()")).scalar())
        return ("MariaDB" if "MariaDB" in version else "MySQL"), version.split("-")[0]

    def day(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
        """date()."""
        return sa.func.date(moment, type_=sa.Date())

    def month(self, moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
        """The day, less the days of its month before it."""
        day = self.day(moment)
        return sa.func.subdate(day, sa.func.dayofmonth(day) - sa.literal_column("1"), type_=sa.Date())

    def minutes_between(self, earlier: sa.ColumnElement[Any], later: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """Timestampdiff."""
        return sa.func.timestampdiff(sa.literal_column("MINUTE"), earlier, later, type_=sa.BigInteger())

    def setting(self, document: sa.ColumnElement[Any], key: str) -> Text:
        """json_extract, of what is JSON; its null is none."""
        text, path = in_utf8(as_text(document)), sa.literal(f"$.{key}", PlainText())
        found = sa.func.nullif(sa.func.json_extract(text, path), sa.literal("null", PlainText()))
        return sa.case((sa.func.json_valid(text), sa.func.json_unquote(found, type_=sa.Text())))

    def days_since(self, first: date, day: sa.ColumnElement[date]) -> sa.ColumnElement[int]:
        """datediff."""
        return sa.func.datediff(day, sa.literal(first, sa.Date), type_=sa.Integer())

    def from_seconds(self, seconds: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """By addition: from_unixtime ends in 2038 on some servers."""
        return sa.func.timestampadd(
            sa.literal_column("MICROSECOND"),
            seconds * sa.literal_column("1000000"),
            sa.literal_column("TIMESTAMP'1970-01-01 00:00:00.000000'"),
            type_=UtcTime(),
        )

    def as_moment(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """With its fraction, so that comparisons of mixed times keep theirs."""
        return sa.type_coerce(sa.cast(day, mysql.DATETIME(fsp=_MICROSECONDS)), UtcTime())

    def alike(
        self, mine: sa.ColumnElement[Any], theirs: sa.ColumnElement[Any]
    ) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """Mine takes on their collation, for MySQL refuses to compare two of them."""
        one, other = (getattr(element.type, "collation", None) for element in (mine, theirs))
        if one and other:
            charset: Text = sa.literal_column(other.split("_")[0])
            return (mine if one == other else sa.collate(_using(mine, charset), other)), theirs
        if kind_of(mine) == kind_of(theirs) != "text":
            return mine, theirs
        exact = [sa.collate(self.text(element), "utf8mb4_bin") for element in (mine, theirs)]
        return exact[0], exact[1]

    def text(self, element: sa.ColumnElement[Any]) -> Text:
        """In UTF-8, for MySQL refuses to mix character sets."""
        return in_utf8(as_text(element))

    def position(self, needle: Text, hay: str) -> sa.ColumnElement[int]:
        """Locate."""
        return sa.func.locate(needle, sa.literal(hay, PlainText()), type_=sa.Integer())

    def part(self, text: Text, separator: str, place: int) -> Text:
        """substring_index, which gives all up to a place."""
        marked = sa.literal(separator, PlainText())

        def index(whole: Text, place: int) -> Text:
            return sa.func.substring_index(whole, marked, sa.literal_column(str(place)), type_=sa.Text())

        if place in (1, -1):
            return index(text, place)
        found = sa.func.locate(marked, text) > sa.literal_column("0")
        return sa.case((found, index(index(text, place), -1)), else_=sa.literal_column("''"))

    def matches(self, text: Text, pattern: str) -> sa.ColumnElement[bool]:
        """REGEXP, under a collation that tells letters apart."""
        exact = sa.collate(in_utf8(text), "utf8mb4_bin")
        return exact.op("REGEXP", is_comparison=True)(sa.literal(pattern, PlainText()))

    def digits(self, text: Text) -> Text:
        """See Dialect.digits."""
        return sa.func.regexp_replace(text, "[^0-9]", "", type_=sa.Text())

    def before(self, text: Text, other: str) -> sa.ColumnElement[bool]:
        """<: every collation has digits before letters."""
        return text < sa.literal(other, PlainText())

    def octets(self, text: Text) -> Bytes:
        """The column's characters in UTF-8, whatever its own character set."""
        return sa.cast(in_utf8(text), sa.LargeBinary)

    def piece(self, block: bytes, start: sa.ColumnElement[int], length: int) -> Bytes:
        """Substring of a binary string."""
        found = sa.func.substring(key_block(block), start, sa.literal_column(str(length)))
        zeros: Bytes = sa.literal_column(f"x'{'00' * length}'")
        return sa.func.nullif(sa.func.nullif(found, zeros), sa.literal_column("x''"), type_=sa.LargeBinary())

    def _hmac(self, message: Bytes, ipad: Bytes, opad: Bytes) -> Text:
        bits: sa.ColumnElement[int] = sa.literal_column("256")
        inner = sa.func.unhex(sa.func.sha2(sa.func.concat(ipad, message), bits))
        return sa.func.sha2(sa.func.concat(opad, inner), bits, type_=sa.Text())
