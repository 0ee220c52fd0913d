"""PostgreSQL's way in: COPY into tables made in the same transaction, indexes afterwards.

A table made and filled in one transaction skips the write-ahead log where the server lets it, and its
rows need no second pass to be marked visible.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint, text
from sqlalchemy.schema import CreateIndex, CreateTable

from genuka_pipelines.demo.seed.load.rows import Rows

_LOCK = 0x67656E756B61  # "genuka" in ascii
_PIECE = 1 << 20


class PostgresBulk:
    """Fills PostgreSQL through psycopg."""

    def connect(self, engine: Engine) -> Connection:
        """See `Bulk.connect`."""
        connection = engine.connect()
        for setting in (
            "SET timezone = 'UTC'",
            "SET lock_timeout = '10s'",
            "SET synchronous_commit = off",
            "SET maintenance_work_mem = '256MB'",
        ):
            connection.execute(text(setting))
        connection.commit()
        return connection

    def lock(self, connection: Connection) -> bool:
        """See `Bulk.lock`; the lock lasts as long as the connection, over its commits."""
        taken = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        return bool(taken)

    def create(self, connection: Connection, table: Table) -> None:
        """See `Bulk.create`; keys of ULIDs are sorted once instead of grown in random order."""
        made = table
        if not _counts(table):
            columns = (Column(column.name, column.type, nullable=column.nullable) for column in table.columns)
            made = Table(table.name, MetaData(), *columns)
        connection.execute(CreateTable(made))

    def load(self, connection: Connection, rows: Rows) -> int:
        """See `Bulk.load`."""
        quote = connection.dialect.identifier_preparer.quote
        columns = ", ".join(quote(name) for name in rows.columns)
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            with cursor.copy(f"COPY {quote(rows.table.name)} ({columns}) FROM STDIN WITH (FREEZE)") as copy:
                for start in range(0, len(rows.text), _PIECE):
                    copy.write(rows.text[start : start + _PIECE])
            return int(cursor.rowcount)

    def index(self, connection: Connection, table: Table) -> None:
        """See `Bulk.index`."""
        quote = connection.dialect.identifier_preparer.quote
        for constraint in () if _counts(table) else table.constraints:
            if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
                kind = "PRIMARY KEY" if isinstance(constraint, PrimaryKeyConstraint) else "UNIQUE"
                columns = ", ".join(quote(column.name) for column in constraint.columns)
                connection.execute(text(f"ALTER TABLE {quote(table.name)} ADD {kind} ({columns})"))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))

    def settle(self, connection: Connection, tables: tuple[Table, ...]) -> None:
        """See `Bulk.settle`."""
        quote = connection.dialect.identifier_preparer.quote
        for table in tables:
            if _counts(table):
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) "  # noqa: S608
                        f"FROM {quote(table.name)} HAVING max(id) IS NOT NULL"
                    )
                )
        # A tenth of the usual sample: enough for a plan, and not a quarter of the whole load.
        connection.execute(text("SET LOCAL default_statistics_target = 10"))
        connection.execute(text(f"ANALYZE {', '.join(quote(table.name) for table in tables)}"))


def _counts(table: Table) -> bool:
    return table.autoincrement_column is not None
