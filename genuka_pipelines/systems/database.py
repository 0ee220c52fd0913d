"""One opened database: what is in it, counts, rows and consistent bulk reads, all read-only.

Connections open on first use, so building this value costs nothing; and a driver's error never
passes, because its text may hold values, a statement or a password.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from genuka_pipelines.systems.column_types import Query
from genuka_pipelines.systems.dialect import Dialect, dialect_of
from genuka_pipelines.systems.errors import MissingTable, named
from genuka_pipelines.systems.snapshot import BATCH_ROWS, BrokenRead, Snapshot, UnreadableValue

if TYPE_CHECKING:
    import pyarrow as pa


class Database:
    """A database of a URL, under the name of its system. Safe to share between threads."""

    def __init__(self, url: sa.URL, *, name: str, timeout: float | None = None) -> None:
        self.name = name
        self.dialect: Dialect = dialect_of(url)
        self.url = url.set(drivername=self.dialect.drivername)
        self.timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.name}, {self.place})"

    def close(self) -> None:
        """Give every connection back; the database can be used again afterwards."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    @property
    def socket(self) -> str | None:
        """The unix socket the URL goes through, or None for a network address."""
        found = self.url.query.get("unix_socket") or self.url.query.get("host")
        path = found if isinstance(found, str) else None
        return path if path and path.startswith("/") else None

    @property
    def place(self) -> str:
        """Where it is, for people: `host:port`, or that it is a local socket."""
        if self.socket:
            return "a local socket"
        host = self.url.host or self.url.query.get("host") or "localhost"
        return f"{host}:{self.url.port}" if self.url.port else str(host)

    @cached_property
    def _engine(self) -> sa.Engine:
        engine = sa.create_engine(
            self.url,
            pool_size=2,
            max_overflow=2,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=self.dialect.connect_args(self.url),
        )

        @sa.event.listens_for(engine, "connect")
        def _(connection: Any, _: Any) -> None:
            self.dialect.prepare(connection, self.timeout)

        return engine

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn a driver's error into one of ours, without its text."""
        import adbc_driver_manager
        import psycopg
        import pymysql

        from genuka_pipelines.systems.mysql_stream import RowTooLarge

        try:
            yield
        except (
            sa.exc.DBAPIError, psycopg.Error, pymysql.MySQLError, adbc_driver_manager.Error, BrokenRead
        ) as error:  # fmt: skip
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
            trouble, code = self.dialect.trouble(cause)
            raise named(trouble, self.name, self.place, code) from None
        except RowTooLarge:
            raise named("too_large", self.name, self.place) from None
        except (UnreadableValue, sa.exc.StatementError):
            raise named("unreadable", self.name, self.place) from None

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A read-only, repeatable-read transaction for a few queries."""
        with self._named_errors(), self._engine.connect() as connection:
            yield connection

    @cached_property
    def _inventory(self) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        found: dict[str, dict[str, tuple[str, str]]] = {}
        with self.connected() as connection:
            for table, column, declared, base in connection.exec_driver_sql(self.dialect.inventory):
                found.setdefault(table, {})[column] = (declared, base)
        return MappingProxyType(found)

    def tables(self) -> dict[str, dict[str, str]]:
        """Every table that holds rows, with its columns and their types in the server's words; one query."""
        return {
            table: {column: declared for column, (declared, _) in columns.items()}
            for table, columns in self._inventory.items()
        }

    def refresh(self) -> None:
        """Forget what is known of the tables; the next use looks again."""
        for known in ("_inventory", "_reflected"):
            self.__dict__.pop(known, None)

    @cached_property
    def _reflected(self) -> dict[str, sa.Table]:
        return {}

    def table(self, name: str) -> sa.Table:
        """One table as it is in the database; MissingTable where it is not."""
        if name not in self._reflected:
            if name not in self._inventory:
                raise MissingTable(f"{self.name} ({self.place}) has no table '{name}'; create it or do not declare it")
            self._reflected[name] = sa.Table(
                name,
                sa.MetaData(),
                *(
                    sa.Column(column, self.dialect.sql_type(base, declared))
                    for column, (declared, base) in self._inventory[name].items()
                ),
            )
        return self._reflected[name]

    def rows(self, query: Query) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """The rows of a small query."""
        with self.connected() as connection:
            return connection.execute(query).all()

    def scalar(self, query: Query) -> Any:
        """The first value of the first row."""
        with self.connected() as connection:
            return connection.execute(query).scalar()

    def count(self, query: Query | sa.FromClause) -> int:
        """How many rows a query or a table has."""
        counted = query.subquery() if isinstance(query, sa.Select) else query
        return int(self.scalar(sa.select(sa.func.count()).select_from(counted)))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One consistent view, for several bulk reads."""
        with self._named_errors():
            with self._engine.connect():
                """The pool's connection fails with a cause; the bulk reader's may not."""
            snapshot = self.dialect.snapshot(self._engine, self.timeout)
            try:
                yield snapshot
            finally:
                snapshot.close()

    def stream(self, query: Query, batch_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """One bulk read in a snapshot of its own; see Snapshot.stream."""
        with self.snapshot() as snapshot:
            yield from snapshot.stream(query, batch_rows)


@contextmanager
def open_database(url: sa.URL, *, name: str, timeout: float | None = None) -> Iterator[Database]:
    """The database of a URL, closed at the end. `timeout` bounds each statement, in seconds."""
    with Database(url, name=name, timeout=timeout) as database:
        yield database
