"""A whole MySQL or MariaDB database read as lines that the server writes, by workers behind one short lock.

The line has the form of PostgreSQL's COPY, so that one format serves both. Fields are first joined by bytes
that no UTF-8 text has, and escaped all at once: six replacements for a row, not four for each of its texts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pymysql
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from genuka_pipelines.systems.column_types import Query, kind_of
from genuka_pipelines.systems.dump import BLOCK_BYTES, Definition, Dump, Shape, schema_sha256
from genuka_pipelines.systems.errors import MissingTable, NotReadWhole, named
from genuka_pipelines.systems.mysql.definition import definition
from genuka_pipelines.systems.mysql.dialect import in_utf8
from genuka_pipelines.systems.snapshot import RowTooLarge, statement

if TYPE_CHECKING:
    from genuka_pipelines.systems.database import Database

Connection: TypeAlias = "pymysql.Connection[Any]"
_READING = (
    "SET time_zone = '+00:00'",
    "SET SESSION net_write_timeout = 3600",
    "SET SESSION wait_timeout = 86400",
    "SET SESSION lock_wait_timeout = 5",
    "SET SESSION sql_quote_show_create = 1",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
)
_OPTIONAL = ("SET SESSION max_statement_time = 0", "SET SESSION information_schema_stats_expiry = 0")
"""Each known to one product only."""
_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_POSITIONS = ("SELECT @@gtid_binlog_pos", "SELECT @@global.gtid_executed")
_NOT_WHOLE = """
    SELECT table_name, CASE WHEN table_type = 'SYSTEM VERSIONED' THEN table_type ELSE engine END
      FROM information_schema.tables
     WHERE table_schema = database() AND (table_type = 'SYSTEM VERSIONED'
           OR table_type = 'BASE TABLE' AND coalesce(engine, 'none') NOT IN ('InnoDB', 'ROCKSDB')) ORDER BY 1"""
_COLUMNS = """
    SELECT c.table_name, c.column_name, c.column_type, c.data_type, coalesce(c.character_set_name, '')
      FROM information_schema.columns c JOIN information_schema.tables t
        ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
     WHERE c.table_schema = database() AND coalesce(c.generation_expression, '') = ''
     ORDER BY c.table_name, c.ordinal_position"""
_NAMES = """
    SELECT table_name FROM information_schema.tables
     WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY 1"""
_KEYS = """
    SELECT table_name, column_name FROM information_schema.statistics
     WHERE table_schema = database() AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index"""
_COUNTERS = """
    SELECT table_name, cast(auto_increment AS char) FROM information_schema.tables
     WHERE table_schema = database() AND auto_increment IS NOT NULL ORDER BY 1"""

_BITS = "bit"
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_GEOMETRIES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
     "geometrycollection", "geomcollection"}
)  # fmt: skip
_UTF8 = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})
"""Character sets whose bytes are those of UTF-8."""
_NULL_TEXT, _END, _ERROR, _FULL = 0xFB, 0xFE, 0xFF, 0xFFFFFF
_LENGTHS = {0xFC: 3, 0xFD: 4, _END: 9}
"""The first byte of a row's packet says how many bytes its length takes, itself counted."""
_PLAIN = mysql.dialect(paramstyle="named")


class Column(NamedTuple):
    """A column that is written: its type in full and in short, and its character set."""

    name: str
    declared: str
    base: str
    charset: str

    @property
    def is_hex(self) -> bool:
        """Whether its field is the hex of its bytes: binary, or text that UTF-8 may not give back."""
        return self.base in _BYTES or self.base in _GEOMETRIES or self.charset not in ("", "latin1", *_UTF8)

    @property
    def is_number(self) -> bool:
        """Whether its field must be read as a number: the text of a bit field would be its bytes."""
        return self.base == _BITS


def connect(database: Database, settings: tuple[str, ...], optional: tuple[str, ...] = ()) -> Connection:
    """A connection of its own, not of the pool, in autocommit, with these settings."""
    _, options = database.url.get_dialect()().create_connect_args(database.url)
    connection = pymysql.connect(**{**options, **database.dialect.connect_args(database.url)}, autocommit=True)
    try:
        for setting in settings:
            ask(connection, setting)
        for setting in optional:
            with suppress(pymysql.MySQLError):
                ask(connection, setting)
    except BaseException:
        connection.close()
        raise
    return connection


def ask(connection: Connection, query: str | bytes) -> list[tuple[Any, ...]]:
    """The rows of a small query; `query` is sent as it is."""
    connection.query(query)
    result: Any = connection._result  # type: ignore[attr-defined]
    return list(result.rows or ())


def columns(query: Any) -> dict[str, list[Column]]:
    """The written columns of each table, by a function that asks one query of the server."""
    found: dict[str, list[Column]] = {name: [] for (name,) in query(_NAMES)}
    for table, *column in query(_COLUMNS):
        found.setdefault(table, []).append(Column(*map(str, column)))
    return found


class MySQLDump(Dump):
    """A connection that asks, and one in the snapshot for each worker."""

    elsewhere = ()

    def __init__(self, database: Database, workers: int) -> None:
        self.workers, self.shared = max(1, workers), True
        self._database, self._asking = database, Lock()
        self._joined: list[Connection | None] = []
        self._asks = connect(database, _READING, _OPTIONAL)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        for table, why in self._ask(_NOT_WHOLE):
            raise NotReadWhole(f"{self._at} has the table '{table}' ({why}), of which no snapshot is: make it InnoDB")
        connections = [connect(self._database, _READING, _OPTIONAL) for _ in range(self.workers)]
        self._joined = list(connections)
        locked = self.workers > 1 and self._lock()
        self.taken_at = datetime.fromisoformat(str(self._ask("SELECT cast(utc_timestamp(6) AS char)")[0][0])).replace(
            tzinfo=UTC
        )
        if self.workers > 1 and not locked:
            for extra in connections[1:]:
                extra.close()
            self._joined, self.workers, self.shared = [connections[0]], 1, False
        for connection in self._joined:
            if connection is not None:
                ask(connection, _SNAPSHOT)
        self.snapshot = self._position() or self.taken_at.isoformat()
        if locked:
            self._ask("UNLOCK TABLES")
        self._database.refresh()

    def _lock(self) -> bool:
        """Hold everybody's writes for the moment in which the snapshots begin; False without the right, or in vain."""
        try:
            self._ask("FLUSH TABLES WITH READ LOCK")
        except (pymysql.OperationalError, pymysql.ProgrammingError):
            return False
        return True

    def _position(self) -> str:
        for query in _POSITIONS:
            with suppress(pymysql.MySQLError):
                return str(self._ask(query)[0][0] or "")
        return ""

    @property
    def _at(self) -> str:
        return f"{self._database.name} ({self._database.place})"

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        with self._asking:
            return ask(self._asks, query)

    @cached_property
    def _columns(self) -> dict[str, list[Column]]:
        with self._database.named_errors():
            return columns(self._ask)

    @cached_property
    def _shapes(self) -> Mapping[str, Shape]:
        key: dict[str, list[str]] = {}
        with self._database.named_errors():
            for table, name in self._ask(_KEYS):
                key.setdefault(table, []).append(name)
        return {
            table: Shape(
                table,
                tuple(column.name for column in held),
                tuple(key.get(table, ())),
                schema_sha256((column.name, column.declared, column.charset) for column in held),
            )
            for table, held in self._columns.items()
        }

    def tables(self) -> Mapping[str, Shape]:
        """See Dump.tables."""
        return self._shapes

    def definition(self) -> Definition:
        """See Dump.definition; of now, not of the snapshot, which has none."""
        with self._database.named_errors():
            return definition(self._ask, list(self._columns))

    def sequences(self) -> Mapping[str, str]:
        """See Dump.sequences; of now, never too low."""
        with self._database.named_errors():
            return dict(self._ask(_COUNTERS))

    def ask(self, query: Query, worker: int = 0) -> list[tuple[Any, ...]]:
        """See Dump.ask."""
        connection = self._joined[worker]
        if connection is None:
            raise named("lost", self._database.name, self._database.place)
        with self._database.named_errors():
            return ask(connection, statement(query, _PLAIN))

    def read(
        self,
        table: str,
        prefix: sa.ColumnElement[Any] | None = None,
        worker: int = 0,
        *,
        where: sa.ColumnElement[bool] | None = None,
        columns: Sequence[str] | None = None,
        ordered: bool = False,
        of: sa.FromClause | None = None,
    ) -> Generator[bytes]:
        """See Dump.read."""
        if table not in self._columns:
            raise MissingTable(f"{self._at} has no table '{table}' in this snapshot")
        mine, held = self._database.table(table), self._columns[table]
        if columns is not None:
            by_name = {column.name: column for column in held}
            held = [by_name[name] for name in columns]
        line = _line(mine, held, prefix)
        query = sa.select(line).select_from(mine if of is None else of)
        if where is not None:
            query = query.where(where)
        if ordered:
            query = query.order_by(*([_by_bytes(mine.c[name]) for name in self._shapes[table].key] or [_hash(line)]))
        connection = self._joined[worker]
        if connection is None:
            raise named("lost", self._database.name, self._database.place)
        self._joined[worker] = None
        whole = False
        with self._database.named_errors():
            try:
                yield from _blocks(connection, statement(query, _PLAIN))
                whole = True
            finally:
                if whole:
                    self._joined[worker] = connection
                else:
                    _drop(connection)

    def close(self) -> None:
        """See Dump.close."""
        for connection in (*self._joined, self._asks):
            if connection is not None:
                _drop(connection)


def _by_bytes(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A key in an order that no server's collation changes."""
    return sa.cast(column, sa.LargeBinary) if kind_of(column) == "text" else column


def _hash(line: sa.ColumnElement[bytes]) -> sa.ColumnElement[Any]:
    return sa.func.sha2(line, sa.literal_column("256"))


def _drop(connection: Connection) -> None:
    """End a connection without a word, and without the rows that are still to come."""
    with suppress(pymysql.MySQLError, OSError):
        connection._force_close()  # type: ignore[attr-defined]


def _blocks(connection: Connection, query: str) -> Iterator[bytes]:
    """The lines of a query of one column, in blocks; a connection left in the middle is of no further use.

    PyMySQL would take each row through five layers; here a packet is a line, read as the protocol has it.
    """
    connection.query(query, unbuffered=True)
    private: Any = connection
    result, take = private._result, private._rfile.read
    # Else PyMySQL would read what is left of the rows, from a connection that may be closed by then.
    result.unbuffered_active = False
    block = BytesIO()
    size, write = 0, block.write
    while True:
        packet = _packet(take)
        kind = packet[0]
        if kind < _NULL_TEXT:
            write(packet[1:])
        elif kind == _NULL_TEXT:
            raise RowTooLarge
        elif kind == _ERROR:
            pymysql.err.raise_mysql_exception(packet)
        elif kind == _END and len(packet) < _LENGTHS[_END]:
            break
        else:
            write(memoryview(packet)[_LENGTHS[kind] :])
        write(b"\n")
        size += len(packet)
        if size >= BLOCK_BYTES:
            yield block.getvalue()
            block.seek(0)
            block.truncate()
            size = 0
    if size:
        yield block.getvalue()


def _packet(take: Callable[[int], bytes]) -> bytes:
    """The next packet of the server, put together where it came in several."""
    parts: list[bytes] = []
    while True:
        head = take(4)
        length = int.from_bytes(head[:3], "little")
        part = take(length)
        if len(head) < 4 or len(part) < length:
            raise pymysql.OperationalError(2013, "")
        if length < _FULL and not parts:
            return part
        parts.append(part)
        if length < _FULL:
            return b"".join(parts)


def _byte(code: str) -> sa.ColumnElement[bytes]:
    return sa.literal_column(f"x'{code}'", sa.LargeBinary())


_BETWEEN, _NULL = "FF", "FE"
_ESCAPED = (("5C", "5C5C"), ("09", "5C74"), ("0A", "5C6E"), ("0D", "5C72"), (_BETWEEN, "09"), (_NULL, "5C4E"))


def _line(of: sa.Table, held: list[Column], prefix: sa.ColumnElement[Any] | None) -> sa.ColumnElement[bytes]:
    """The row and what goes before it as one text in bytes, which PyMySQL passes on untouched."""
    null = _byte(_NULL)
    parts = [null if prefix is None else sa.func.ifnull(sa.cast(prefix, sa.LargeBinary), null)]
    for column in held:
        value = of.c[column.name]
        parts += [_byte(_BETWEEN), sa.case((value.is_(None), null), else_=_field(value, column))]
    # Beyond max_allowed_packet a function gives NULL: CONCAT makes that a NULL for the row, which no row can be.
    line: sa.ColumnElement[Any] = sa.func.concat(*parts, *(() if held else (_byte(_BETWEEN),)))
    for sign, written in _ESCAPED:
        line = sa.func.replace(line, _byte(sign), _byte(written))
    return sa.cast(line, sa.LargeBinary)


def _field(value: sa.ColumnElement[Any], column: Column) -> sa.ColumnElement[Any]:
    """The text of a value, exactly."""
    if column.is_hex:
        return sa.func.hex(value)
    if column.base == _BITS:
        return value + sa.literal_column("0")
    if column.base in ("float", "double"):
        return value * sa.literal_column("1e0")
    if column.charset in _UTF8:
        return sa.cast(value, sa.LargeBinary)
    return sa.cast(in_utf8(sa.cast(value, sa.Text)), sa.LargeBinary)
