"""One database of a seeding: opened, checked to be ours, emptied, filled, marked.

Every refusal of a driver is turned into one sentence here, because a driver's own message may quote
a row or a password.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, MetaData, Table, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import DropTable

from genuka_pipelines.demo.schema import tables_of
from genuka_pipelines.demo.seed import marker
from genuka_pipelines.demo.seed.errors import DatabaseRefused, ForeignDatabase, LoadIncomplete, SeedingUnderWay
from genuka_pipelines.demo.seed.load.bulk import Bulk, bulk_for
from genuka_pipelines.demo.seed.load.rows import Rows
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA, Recipe


class Base:
    """An open database that belongs to this seeding alone until it is closed."""

    def __init__(self, database: str, engine: Engine) -> None:
        """Open and lock it; raises `DatabaseRefused`, `SeedingUnderWay` or `ForeignDatabase`."""
        self.database = database
        self.tables = {table.name: table for table in tables_of(_role(database))}
        self._engine = engine
        self._bulk = bulk_for(engine)
        with refusals(database, "opened"):
            self.connection = self._bulk.connect(engine)
        try:
            self.mark = self._own()
        except BaseException:
            self.close()
            raise

    def _own(self) -> marker.Marker | None:
        with refusals(self.database, "read"):
            if not self._bulk.lock(self.connection):
                raise SeedingUnderWay(
                    f'The database "{self.database}" is being seeded by another process: wait for it to end.'
                )
            present = inspect(self.connection).get_table_names()
            mark = marker.read(self.connection) if marker.MARKER.name in present else None
            self.connection.commit()
        if present and mark is None and present != [marker.MARKER.name]:
            raise ForeignDatabase(
                f'The database "{self.database}" holds {len(present)} tables and no {marker.MARKER.name} '
                "marker: give an empty database, or one that was seeded before."
            )
        return mark

    def close(self) -> None:
        """Give the database back, and with it the lock and the settings of the session."""
        self.connection.invalidate()
        self.connection.close()

    def claim(self, recipe: Recipe, refs: tuple[str, ...]) -> None:
        """Write the marker, durably, before anything else."""
        with refusals(self.database, "marked"):
            marker.write(self.connection, self.database, recipe, refs)
            self.connection.commit()

    def clear(self) -> None:
        """Drop every table but the marker; the marker says that all of them are ours."""
        with refusals(self.database, "cleared"):
            for name in inspect(self.connection).get_table_names():
                if name != marker.MARKER.name:
                    self.connection.execute(DropTable(Table(name, MetaData())))
            self.connection.commit()

    def forget(self) -> None:
        """Drop every table, the marker last."""
        self.clear()
        with refusals(self.database, "cleared"):
            marker.MARKER.drop(self.connection, checkfirst=True)
            self.connection.commit()

    @contextmanager
    def lane(self, names: Collection[str]) -> Iterator[Lane]:
        """A second connection that makes and fills these tables; nothing else may touch them meanwhile."""
        with refusals(self.database, "opened"):
            connection = self._bulk.connect(self._engine)
        try:
            yield Lane(self.database, {name: self.tables[name] for name in names}, self._bulk, connection)
        finally:
            connection.invalidate()
            connection.close()

    def complete(self) -> None:
        """Mark the seeding as whole."""
        with refusals(self.database, "marked"):
            marker.complete(self.connection)
            self.connection.commit()


class Lane:
    """Some tables of a database, made and filled in one go; durable once finished."""

    def __init__(self, database: str, tables: dict[str, Table], bulk: Bulk, connection: Connection) -> None:
        """Make the tables of the schema; `finish` adds their indexes."""
        self.tables = tables
        self._database = database
        self._bulk = bulk
        self._connection = connection
        with refusals(database, "given its tables"):
            for table in tables.values():
                bulk.create(connection, table)

    def load(self, rows: Rows) -> None:
        """Send rows to their table; raises `LoadIncomplete` unless each one arrived."""
        with refusals(self._database, "filled"):
            loaded = self._bulk.load(self._connection, rows)
        if loaded != rows.count:
            raise LoadIncomplete(
                f'Table "{rows.table.name}" of "{self._database}" took {loaded} of {rows.count} rows: '
                "seed again into a database that nothing else writes to."
            )

    def finish(self) -> None:
        """Build the indexes and make all of it durable."""
        with refusals(self._database, "indexed"):
            for table in self.tables.values():
                self._bulk.index(self._connection, table)
            self._bulk.settle(self._connection, tuple(self.tables.values()))
            self._connection.commit()


def _role(database: str) -> str:
    return database if database in (GENUKA, GENLETTER) else "tenant"


@contextmanager
def refusals(database: str, done: str) -> Iterator[None]:
    """Turn a driver's error into a sentence that names the database and the kind of error only."""
    import psycopg
    import pymysql

    try:
        yield
    except (SQLAlchemyError, psycopg.Error, pymysql.MySQLError) as refused:
        raise DatabaseRefused(
            f'The database "{database}" could not be {done} ({_kind(refused)}): '
            "check its URL, that it runs with room on its disk, and that its user may create and drop tables."
        ) from None


def _kind(refused: BaseException) -> str:
    """The driver's class of error and its code: nothing of the statement or of its values."""
    inner = getattr(refused, "orig", None) or refused
    code = getattr(inner, "sqlstate", None)
    if code is None and inner.args and isinstance(inner.args[0], int):
        code = inner.args[0]
    return f"{type(inner).__name__} {code}" if code else type(inner).__name__
