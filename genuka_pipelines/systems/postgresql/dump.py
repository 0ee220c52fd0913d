"""A whole PostgreSQL database read as COPY text, by workers that share one exported snapshot.

psycopg gives a row at a time through layers of Python, half of the time of a read; libpq's own loop,
waiting outside of the interpreter's lock, is as fast as the server writes. Tables are locked against
TRUNCATE and ALTER before the snapshot, which neither of the two respects.
"""

# ruff: noqa: S608  (queries are put together from this file's own parts; nothing in them comes from data)
from __future__ import annotations

import selectors
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from psycopg import pq
from sqlalchemy.dialects import postgresql

from genuka_pipelines.systems.column_types import Query, as_text, kind_of
from genuka_pipelines.systems.dump import BLOCK_BYTES, Definition, Dump, Shape, schema_sha256
from genuka_pipelines.systems.errors import MissingTable, NotReadWhole, RowsHidden
from genuka_pipelines.systems.postgresql.definition import QUARANTINE, definition
from genuka_pipelines.systems.snapshot import BrokenRead, statement

if TYPE_CHECKING:
    from genuka_pipelines.systems.database import Database

Connection = psycopg.Connection[tuple[Any, ...]]
EXACT = (
    "SET client_encoding TO 'UTF8'",
    "SET TIME ZONE 'UTC'",
    "SET DateStyle TO 'ISO, YMD'",
    "SET IntervalStyle TO 'postgres'",
    "SET extra_float_digits TO 3",
    "SET bytea_output TO 'hex'",
    "SET lc_monetary TO 'C'",
    "SET xmloption TO content",
    "SET standard_conforming_strings TO on",
    "SET row_security TO off",
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout', 'transaction_timeout',"
    " 'idle_in_transaction_session_timeout', 'idle_session_timeout')",
)
"""What decides on the text of a value, in both directions; and that hidden rows are an error, and time no bound."""
_READING = (
    *EXACT,
    "SET synchronize_seqscans TO off",
    "SET lock_timeout TO '30s'",
    f"SELECT set_config('search_path', quote_ident(current_schema()), false) WHERE current_schema() <> '{QUARANTINE}'",
)
_BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_TRIES = 5

_MINE = """
    SELECT c.oid, c.relname FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT EXISTS (
           SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
_NAMES = f"SELECT relname, format('%I', relname) FROM ({_MINE}) t ORDER BY relname"
_ELSEWHERE = f"""
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE (c.relkind = 'f' OR c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> current_schema())
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', '{QUARANTINE}') AND n.nspname !~ '^pg_(toast|temp)'
       AND NOT EXISTS (
           SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1"""
_HEIRS = f"""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'f')
     WHERE NOT c.relispartition AND i.inhparent IN (SELECT oid FROM ({_MINE}) t) ORDER BY 1 LIMIT 1"""
_COLUMNS = f"""
    SELECT t.relname, a.attname, format_type(a.atttypid, a.atttypmod)
      FROM ({_MINE}) t LEFT JOIN pg_attribute a
        ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     ORDER BY t.relname, a.attnum"""
_KEYS = f"""
    SELECT t.relname, a.attname FROM ({_MINE}) t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p'
      CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS p (attnum, place)
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = p.attnum ORDER BY t.relname, p.place"""
_SEQUENCES = """
    SELECT c.relname, format('SELECT %L, (CASE WHEN is_called THEN last_value::numeric + %s ELSE last_value END)::text'
                             ' FROM %I', c.relname, q.seqincrement, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
      JOIN pg_sequence q ON q.seqrelid = c.oid ORDER BY 1"""
_TOGETHER = 200

_PLAIN = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_PLAIN._backslash_escapes = False  # as `standard_conforming_strings` says


def connect(database: Database, settings: tuple[str, ...]) -> Connection:
    """A connection of its own, not of the pool, in autocommit, with these settings."""
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address, autocommit=True, **database.dialect.connect_args(database.url))
    try:
        for setting in settings:
            connection.execute(setting)
    except BaseException:
        connection.close()
        raise
    return connection


class PostgreSQLDump(Dump):
    """A leader that holds the snapshot and asks the catalogs; workers that join it when they first read."""

    shared = True

    def __init__(self, database: Database, workers: int) -> None:
        self.workers = max(1, workers)
        self._database, self._asking = database, Lock()
        self._joined: list[Connection | None] = [None] * self.workers
        self._leader = connect(database, _READING)
        try:
            self._begin()
        except BaseException:
            self._leader.close()
            raise

    def _begin(self) -> None:
        for _ in range(_TRIES):
            names = self._ask(_NAMES)
            self._leader.execute(_BEGIN)
            for at in range(0, len(names), _TOGETHER):
                quoted = ", ".join(row[1] for row in names[at : at + _TOGETHER])
                self._leader.execute(f"LOCK TABLE {quoted} IN ACCESS SHARE MODE")
            ((self.taken_at, self._exported, self.snapshot),) = self._ask(
                "SELECT now(), pg_export_snapshot(), pg_current_snapshot()::text"
            )
            if self._ask(_NAMES) == names:
                break
            self._leader.execute("ROLLBACK")
        else:
            raise NotReadWhole(f"{self._at} makes or drops tables all the time; back it up when it rests")
        self.elsewhere = tuple(row[0] for row in self._ask(_ELSEWHERE))
        self._refuse()
        self._database.refresh()

    @property
    def _at(self) -> str:
        return f"{self._database.name} ({self._database.place})"

    def _refuse(self) -> None:
        hidden = self._ask(str(self._database.dialect.row_security))
        if hidden:
            raise RowsHidden(
                f"{self._at} hides rows of the table '{hidden[0][0]}' from this role; use one that has BYPASSRLS"
            )
        for (heir,) in self._ask(_HEIRS):
            raise NotReadWhole(f"{self._at} has the table '{heir}', which inherits from another: make it a partition")

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        with self._asking:
            return self._leader.execute(query).fetchall()

    @cached_property
    def _shapes(self) -> Mapping[str, Shape]:
        with self._database.named_errors():
            columns, keys = self._ask(_COLUMNS), self._ask(_KEYS)
        found: dict[str, list[tuple[str, str]]] = {}
        for table, name, declared in columns:
            found.setdefault(table, []).extend([] if name is None else [(name, declared)])
        key: dict[str, list[str]] = {}
        for table, name in keys:
            key.setdefault(table, []).append(name)
        return {
            table: Shape(table, tuple(name for name, _ in held), tuple(key.get(table, ())), schema_sha256(held))
            for table, held in found.items()
        }

    def tables(self) -> Mapping[str, Shape]:
        """See Dump.tables; of a partitioned table only the whole."""
        return self._shapes

    def definition(self) -> Definition:
        """See Dump.definition."""
        with self._database.named_errors():
            return definition(self._ask)

    def sequences(self) -> Mapping[str, str]:
        """See Dump.sequences. They are of no snapshot: values are those of now, never too low."""
        with self._database.named_errors():
            queries = [query for _, query in self._ask(_SEQUENCES)]
            parts = (queries[at : at + _TOGETHER] for at in range(0, len(queries), _TOGETHER))
            return dict(row for part in parts for row in self._ask(" UNION ALL ".join(part)))

    def ask(self, query: Query, worker: int = 0) -> list[tuple[Any, ...]]:  # noqa: ARG002 - the leader asks
        """See Dump.ask."""
        with self._database.named_errors():
            return self._ask(statement(query, _PLAIN))

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
        shape = self.tables().get(table)
        if shape is None:
            raise MissingTable(f"{self._at} has no table '{table}' in this snapshot")
        # A table without columns is in no inventory.
        mine = self._database.table(table) if table in self._database.tables() else sa.table(table)
        # An expression as the last column keeps the tab where there is no column at all.
        wanted = shape.columns if columns is None else columns
        held: list[sa.ColumnElement[Any]] = [mine.c[name] for name in wanted] or [sa.literal_column("''")]
        query = sa.select(sa.null() if prefix is None else prefix, *held).select_from(mine if of is None else of)
        if where is not None:
            query = query.where(where)
        if ordered:
            query = query.order_by(*([_by_bytes(mine.c[name]) for name in shape.key] or [_row_hash(held)]))
        copy = f"COPY ({statement(query, _PLAIN)}) TO STDOUT".encode()
        with self._database.named_errors():
            connection = self._joined[worker] or self._join()
            self._joined[worker] = None
            whole = False
            try:
                yield from _lines(connection.pgconn, copy)
                whole = True
            finally:
                if whole:
                    self._joined[worker] = connection
                else:
                    connection.close()

    def _join(self) -> Connection:
        connection = connect(self._database, _READING)
        try:
            connection.execute(_BEGIN)
            connection.execute(f"SET TRANSACTION SNAPSHOT '{self._exported}'")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """See Dump.close."""
        for connection in (*self._joined, self._leader):
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()


def _by_bytes(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A key in an order that no server's collation changes."""
    return sa.collate(as_text(column), "C") if kind_of(column) == "text" else column


def _row_hash(held: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    """A hash of a row's columns."""
    joined: sa.ColumnElement[Any] = sa.literal_column("''")
    for column in held:
        joined = joined.op("||")(sa.func.quote_nullable(sa.cast(column, sa.Text))).op("||")(sa.literal_column("','"))
    return sa.func.sha256(sa.func.convert_to(joined, sa.literal_column("'UTF8'")))


def _lines(connection: pq.abc.PGconn, copy: bytes) -> Iterator[bytes]:
    """The blocks of a COPY TO STDOUT; a connection that is left in the middle is of no further use."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.socket, selectors.EVENT_READ)
        connection.send_query(copy)
        _result(connection, selector, pq.ExecStatus.COPY_OUT)
        # Rows that are kept and joined cost four times as much as rows that are copied at once.
        block = BytesIO()
        size, take, write = 0, connection.get_copy_data, block.write
        while True:
            length, row = take(1)
            if length > 0:
                size += write(row)
                if size >= BLOCK_BYTES:
                    yield block.getvalue()
                    block.seek(0)
                    block.truncate()
                    size = 0
            elif length == 0:
                selector.select()
                connection.consume_input()
            else:
                break
        _result(connection, selector, pq.ExecStatus.COMMAND_OK)
        while connection.get_result() is not None:
            pass
    if size:
        yield block.getvalue()


def _result(connection: pq.abc.PGconn, selector: selectors.BaseSelector, wanted: pq.ExecStatus) -> None:
    """Wait for a result of a kind; psycopg's own error for another."""
    while connection.is_busy():
        selector.select()
        connection.consume_input()
    result = connection.get_result()
    if result is None:
        raise BrokenRead("closed the connection")
    if result.status != wanted:
        raise psycopg.errors.error_from_result(result)
