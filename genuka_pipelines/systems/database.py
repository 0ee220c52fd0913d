"""One opened database: what is in it, counts, rows and consistent bulk reads; and apart, a way to change rows.

Connections open on first use, so building this value costs nothing; and a driver's error never
passes, because its text may hold values, a statement or a password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from genuka_pipelines.systems.column_types import Query
from genuka_pipelines.systems.dialect import Dialect, dialect_of
from genuka_pipelines.systems.errors import MissingTable, named
from genuka_pipelines.systems.snapshot import BATCH_ROWS, BrokenRead, RowTooLarge, Snapshot, UnreadableValue
from genuka_pipelines.systems.writer import ForeignKey, Writer

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.systems.dump import Dump, Load

Inventory = Mapping[str, Mapping[str, tuple[str, str, str | None, bool]]]
"""Table to column to (declared type, base type, collation, nullable)."""
LOCK_SECONDS = 0.5
WRITE_SECONDS = 30.0


class Database:
    """A database of a URL, under the name of its system. Safe to share between threads."""

    def __init__(self, url: sa.URL, *, name: str, timeout: float | None = None) -> None:
        self.name = name
        self.dialect: Dialect = dialect_of(url)
        self.url = url.set(drivername=self.dialect.drivername)
        self.timeout = timeout
        self._inventory: Inventory | None = None
        self._types: dict[str, dict[str, str]] | None = None
        self._reflected: dict[str, sa.Table] = {}

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
        for engine in ("_engine", "_writing_engine"):
            if engine in self.__dict__:
                self.__dict__[engine].dispose()

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
        return self._opened(lambda connection: self.dialect.prepare(connection, self.timeout))

    @cached_property
    def _writing_engine(self) -> sa.Engine:
        return self._opened(lambda connection: self.writer.prepare(connection, LOCK_SECONDS, WRITE_SECONDS))

    def _opened(self, prepare: Callable[[Any], None]) -> sa.Engine:
        engine = sa.create_engine(
            self.url,
            pool_size=2,
            max_overflow=8,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=self.dialect.connect_args(self.url),
        )

        @sa.event.listens_for(engine, "connect")
        def _(connection: Any, _: Any) -> None:
            prepare(connection)

        return engine

    @cached_property
    def writer(self) -> Writer:
        """How rows are changed there."""
        return self.dialect.writer()

    @contextmanager
    def named_errors(self, *, writing: bool = False) -> Iterator[None]:
        """Turn a driver's error into one of ours, without its text."""
        drivers: tuple[type[Exception], ...] = (
            sa.exc.DBAPIError,
            BrokenRead,
            *self.dialect.driver_errors(),
        )
        try:
            yield
        except drivers as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
            trouble, code = self.dialect.trouble(cause)
            if writing and trouble == "not_permitted":
                trouble = "not_writable"
            raise named(trouble, self.name, self.place, code) from None
        except sa.exc.TimeoutError:
            raise named("busy", self.name, self.place) from None
        except RowTooLarge:
            raise named("too_large", self.name, self.place) from None
        except UnreadableValue:
            raise named("unreadable", self.name, self.place) from None

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A read-only, repeatable-read transaction for a few queries."""
        with self.named_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A read-committed transaction that may change rows; committed when the block ends well.

        RowsLocked after half a second's wait for a lock (a second on InnoDB), TooSlow after half a minute.
        """
        with self.named_errors(writing=True), self._writing_engine.begin() as connection:
            yield connection

    def links(self) -> tuple[ForeignKey, ...]:
        """Every foreign key, asked now."""
        with self.connected() as connection:
            return self.writer.links(connection)

    def _read_inventory(self) -> Inventory:
        found: dict[str, dict[str, tuple[str, str, str | None, bool]]] = {}
        with self.connected() as connection:
            for table, column, *types in connection.exec_driver_sql(self.dialect.inventory):
                declared, base, collation, nullable = types
                found.setdefault(table, {})[column] = (declared, base, collation, bool(nullable))
        return found

    def tables(self) -> dict[str, dict[str, str]]:
        """Every table that holds rows, with its columns and their types in the server's words; one query.

        Remembered until `refresh`.
        """
        if self._inventory is None:
            self._inventory = self._read_inventory()
        if self._types is None:
            self._types = {
                table: {column: declared for column, (declared, *_) in columns.items()}
                for table, columns in self._inventory.items()
            }
        return self._types

    def refresh(self) -> None:
        """Look at the tables again. A table that is as it was keeps its value, and so do queries on it."""
        before, self._inventory = self._inventory or {}, self._read_inventory()
        self._types = None
        for name in [name for name in self._reflected if before.get(name) != self._inventory.get(name)]:
            self._reflected.pop(name, None)

    def table(self, name: str) -> sa.Table:
        """One table as it is in the database; MissingTable where it is not."""
        found = self._reflected.get(name)
        if found is None:
            if name not in self.tables():
                raise MissingTable(f"{self.name} ({self.place}) has no table '{name}'; create it or do not declare it")
            columns = (self._inventory or {})[name]
            found = sa.Table(
                name,
                sa.MetaData(),
                *(
                    sa.Column(column, self.dialect.sql_type(base, declared, collation), nullable=nullable)
                    for column, (declared, base, collation, nullable) in columns.items()
                ),
            )
            found = self._reflected.setdefault(name, found)
        return found

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
        with self.named_errors():
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
    def dump(self, workers: int = 1) -> Iterator[Dump]:
        """One consistent view of the whole database as its own text.

        RowsHidden where the role would not see every row, NotReadWhole for a table that no such view covers.
        """
        with self.named_errors():
            dump = self.dialect.dump(self, workers)
        try:
            yield dump
        finally:
            dump.close()

    @contextmanager
    def load(self, schema: str | None = None) -> Iterator[Load]:
        """A way to put a dump here: into the URL's own (or, on PostgreSQL, current) schema, or one of a name.

        That one must be empty (TargetNotEmpty) or missing. What is not published in the block is gone after it.
        """
        with self.named_errors(writing=True):
            load = self.dialect.load(self, schema)
        with load:
            yield load


@contextmanager
def open_database(url: sa.URL, *, name: str, timeout: float | None = None) -> Iterator[Database]:
    """The database of a URL, closed at the end. `timeout` bounds each statement, in seconds."""
    with Database(url, name=name, timeout=timeout) as database:
        yield database
