"""MySQL's and MariaDB's way in: LOAD DATA LOCAL INFILE, or multi-row INSERT where that is forbidden.

LOCAL turns every conversion error into a warning, so warnings are counted: without that a value cut
short would pass for a row loaded.
"""

from __future__ import annotations

import tempfile
from typing import Any

import pymysql
from sqlalchemy import Connection, Engine, Table, create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from genuka_pipelines.demo.seed.errors import LoadIncomplete
from genuka_pipelines.demo.seed.load.rows import NULL, Rows

_LOCAL_FORBIDDEN = (1148, 3948, 4166)
_BATCH = 500
_UNESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_SETTINGS = (
    "time_zone = '+00:00'",
    "sql_mode = 'STRICT_ALL_TABLES'",
    "lock_wait_timeout = 10",
    "unique_checks = 0",
    "foreign_key_checks = 0",
)


class MySqlBulk:
    """Fills MySQL or MariaDB through PyMySQL."""

    def __init__(self) -> None:
        self._local = True

    def connect(self, engine: Engine) -> Connection:
        """See `Bulk.connect`; a connection apart, since the client must allow LOCAL when it opens."""
        own = create_engine(engine.url, poolclass=NullPool, connect_args={"local_infile": True})
        connection = own.connect()
        connection.execute(text("SET " + ", ".join(f"SESSION {setting}" for setting in _SETTINGS)))
        connection.commit()
        return connection

    def lock(self, connection: Connection) -> bool:
        """See `Bulk.lock`; the lock is the server's, so it bears the database's name."""
        taken = connection.scalar(text("SELECT GET_LOCK(CONCAT('genuka_demo.', MD5(DATABASE())), 0)"))
        connection.commit()
        return bool(taken)

    def create(self, connection: Connection, table: Table) -> None:
        """See `Bulk.create`; InnoDB keeps its rows in the primary key, so only the other indexes wait."""
        connection.execute(CreateTable(table))

    def load(self, connection: Connection, rows: Rows) -> int:
        """See `Bulk.load`."""
        if self._local:
            try:
                return self._load_file(connection, rows)
            except pymysql.err.MySQLError as refused:
                if refused.args[0] not in _LOCAL_FORBIDDEN:
                    raise
                self._local = False
        return self._insert(connection, rows)

    def index(self, connection: Connection, table: Table) -> None:
        """See `Bulk.index`; one ALTER reads the table once for all of them."""
        quote = connection.dialect.identifier_preparer.quote
        added = [
            f"ADD INDEX {quote(str(index.name))} ({', '.join(quote(part.name) for part in index.columns)})"
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
        if added:
            connection.execute(text(f"ALTER TABLE {quote(table.name)} {', '.join(added)}"))

    def settle(self, connection: Connection, tables: tuple[Table, ...]) -> None:
        """See `Bulk.settle`; InnoDB has done both by itself."""

    def _load_file(self, connection: Connection, rows: Rows) -> int:
        quote = connection.dialect.identifier_preparer.quote
        columns = ", ".join(quote(name) for name in rows.columns)
        driver: Any = connection.connection.driver_connection
        with tempfile.NamedTemporaryFile(prefix="genuka-seed-") as file, driver.cursor() as cursor:
            file.write(rows.text)
            file.flush()
            cursor.execute(
                f"LOAD DATA LOCAL INFILE %s INTO TABLE {quote(rows.table.name)} CHARACTER SET utf8mb4 ({columns})",
                (file.name,),
            )
            loaded = int(cursor.rowcount)
            cursor.execute("SHOW COUNT(*) WARNINGS")
            warnings = int(cursor.fetchone()[0])
        if warnings:
            raise LoadIncomplete(
                f'The server changed values while loading table "{rows.table.name}" ({warnings} warnings): '
                "give a database of character set utf8mb4."
            )
        return loaded

    def _insert(self, connection: Connection, rows: Rows) -> int:
        quote = connection.dialect.identifier_preparer.quote
        columns = ", ".join(quote(name) for name in rows.columns)
        marks = ", ".join(["%s"] * len(rows.columns))
        lines = bytes(rows.text).decode().split("\n")[:-1]
        driver: Any = connection.connection.driver_connection
        loaded = 0
        with driver.cursor() as cursor:
            for start in range(0, len(lines), _BATCH):
                values = [[_value(field) for field in line.split("\t")] for line in lines[start : start + _BATCH]]
                statement = f"INSERT INTO {quote(rows.table.name)} ({columns}) VALUES ({marks})"  # noqa: S608
                loaded += int(cursor.executemany(statement, values) or 0)
        return loaded


def _value(field: str) -> str | None:
    if field == NULL:
        return None
    if "\\" not in field:
        return field
    parts = iter(field)
    return "".join(_UNESCAPED[next(parts)] if letter == "\\" else letter for letter in parts)
