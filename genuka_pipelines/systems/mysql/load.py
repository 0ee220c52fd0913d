"""Rows and definitions put into a database beside the wanted one, and its tables moved over in one statement.

A restored database holds people who were erased since, so nothing may see it before the gate. A line in the
form of COPY is very nearly a list of MySQL literals: what it escapes, a literal escapes alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pymysql

from genuka_pipelines.systems.dump import Definition, Load, Statement, by_rounds, gathered
from genuka_pipelines.systems.errors import NotRestorable, TargetNotEmpty
from genuka_pipelines.systems.mysql.definition import quoted
from genuka_pipelines.systems.mysql.dump import Column, ask, columns, connect

if TYPE_CHECKING:
    from genuka_pipelines.systems.database import Database

_MODE = "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES"
"""Zero keys and zero dates are taken as they are; anything that would have to be changed is an error."""
_WRITING = (
    "SET time_zone = '+00:00'",
    "SET SESSION net_read_timeout = 3600",
    "SET SESSION wait_timeout = 86400",
    "SET SESSION foreign_key_checks = 0",
    "SET SESSION unique_checks = 0",
    "SET SESSION innodb_strict_mode = 0",
    f"SET SESSION sql_mode = '{_MODE}'",
)
_OPTIONAL = ("SET SESSION max_statement_time = 0", "SET SESSION check_constraint_checks = 0")
"""MariaDB's."""
_MARK = "genuka_restoring"
_CONTENT = """
    SELECT concat('the table or view ', quote(table_name)) FROM information_schema.tables WHERE table_schema = {0}
    UNION ALL
    SELECT concat('the routine ', quote(routine_name)) FROM information_schema.routines WHERE routine_schema = {0}
    LIMIT 1"""
_LEFT = """
    SELECT (SELECT count(*) FROM information_schema.schemata WHERE schema_name = {0}),
           (SELECT count(*) FROM information_schema.routines WHERE routine_schema = {0} AND routine_name = {1})"""
_LONGEST_NAME = 64
_CONNECTION_ERRORS = (2006, 2013, 2055, 1053, 1927)


class MySQLLoad(Load):
    """One connection for the definitions and the lock that keeps a second restore out; one for each table's rows."""

    def __init__(self, database: Database, schema: str | None) -> None:
        from genuka_pipelines.systems.database import Database

        self._database, self._open = database, True
        self._late: list[Statement] = []
        self._codes: dict[Statement, int] = {}
        self._into = schema or str(database.url.database)
        self._beside = _beside(self._into)
        self._connection = connect(database, _WRITING, _OPTIONAL)
        try:
            self._enter(schema)
        except BaseException:
            self._connection.close()
            raise
        self.quarantine = Database(
            database.url.set(database=self._beside), name=database.name, timeout=database.timeout
        )

    @property
    def _at(self) -> str:
        return f"{self._database.name} ({self._database.place})"

    def _literal(self, text: str) -> str:
        return str(self._connection.escape(text))

    def _run(self, query: str) -> list[tuple[Any, ...]]:
        return ask(self._connection, query)

    def _enter(self, schema: str | None) -> None:
        """Take the lock, look whether the target is empty, and make the quarantine."""
        lock = self._literal("genuka " + sha256(self._into.encode()).hexdigest()[:32])
        # A connection that was just closed may hold it for another moment.
        if self._run(f"SELECT get_lock({lock}, 3)") != [(1,)]:
            raise TargetNotEmpty(f"{self._at} is being restored into already; wait for that restore to end")
        if schema is not None:
            self._run(f"CREATE DATABASE IF NOT EXISTS {quoted(schema)}")
        self._refuse_content()
        ((there, ours),) = self._run(_LEFT.format(self._literal(self._beside), self._literal(_MARK)))
        if there and not ours:
            raise TargetNotEmpty(f"{self._at} has a database '{self._beside}' that is not of a restore; drop it")
        self._run(f"DROP DATABASE IF EXISTS {quoted(self._beside)}")
        self._run(f"CREATE DATABASE {quoted(self._beside)}")
        self._run(f"CREATE PROCEDURE {quoted(self._beside)}.{_MARK}() SELECT 1")
        self._run(f"USE {quoted(self._beside)}")

    def _refuse_content(self) -> None:
        for (found,) in self._run(_CONTENT.format(self._literal(self._into))):
            raise TargetNotEmpty(f"{self._at} already holds {found} in '{self._into}'; restore into an empty database")

    def create(self, definition: Definition, tables: Collection[str]) -> None:
        """See Load.create; with their keys, in whose order InnoDB keeps rows."""
        if definition.product != "mysql":
            raise NotRestorable(f"{self._at} is MySQL or MariaDB, and the backup is of {definition.product}")
        with self._database.named_errors(writing=True):
            for one in by_rounds(definition.of("tables", tables), self._runs):
                raise NotRestorable(
                    f"{self._at} cannot make the table '{one.name}' of the backup (server code {self._codes[one]});"
                    " use a server of the same product, of the same or a later version"
                )
            self._columns = columns(self._run)
        self._late = list(definition.of("code", tables))

    def rows(self, table: str, columns: Collection[str], lines: Iterable[bytes]) -> int:
        """See Load.rows; on a connection of its own."""
        known = {column.name: column for column in self._columns[table]}
        head = f"INSERT INTO {quoted(table)} ({', '.join(map(quoted, columns))}) VALUES ".encode()  # noqa: S608  (names of the catalogue, quoted)
        written = [known[name] for name in columns]
        count = 0
        with self._database.named_errors(writing=True):
            connection = connect(self._database, (*_WRITING, f"USE {quoted(self._beside)}"), _OPTIONAL)
            try:
                ((packet,),) = ask(connection, "SELECT @@max_allowed_packet")
                ask(connection, "BEGIN")
                for block in gathered(lines):
                    for part in _parts(block, packet // 3):
                        with self._named(table):
                            ask(connection, head + _values(part, written))
                    count += block.count(b"\n")
                ask(connection, "COMMIT")
            finally:
                connection.close()
        return count

    @contextmanager
    def _named(self, table: str) -> Iterator[None]:
        """A row that the server does not take, without its values."""
        try:
            yield
        except pymysql.MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in _CONNECTION_ERRORS:
                raise
            raise NotRestorable(f"{self._at} does not take a row of the table '{table}' (server code {code})") from None

    def finish(self, definition: Definition, tables: Collection[str], sequences: Mapping[str, str]) -> list[str]:
        """See Load.finish. Foreign keys are made as they were, unchecked: the source may have rows that break them."""
        with self._database.named_errors(writing=True):
            references = definition.of("foreign_keys", tables)
            loose = [one for one in references if one.parent not in tables or not self._runs(one)]
            for table in sorted(set(tables) & set(sequences)):
                self._run(f"ALTER TABLE {quoted(table)} AUTO_INCREMENT = {int(sequences[table])}")
        return [one.shown for one in loose]

    def publish(self) -> list[str]:
        """See Load.publish; the tables in one statement, then what works on them."""
        self.quarantine.close()
        with self._database.named_errors(writing=True):
            self._refuse_content()
            into, beside = quoted(self._into), quoted(self._beside)
            tables = [quoted(name) for name in self._columns]
            if tables:
                moves = ", ".join(f"{beside}.{table} TO {into}.{table}" for table in tables)
                self._run(f"RENAME TABLE {moves}")
            self._run(f"USE {into}")
            failed = by_rounds(self._late, self._runs)
            self._run(f"DROP DATABASE {beside}")
        self._open = False
        self._connection.close()
        self._database.refresh()
        return [one.shown for one in failed]

    def discard(self) -> None:
        """See Load.discard."""
        if not self._open:
            return
        self._open = False
        self.quarantine.close()
        with self._database.named_errors(writing=True):
            self._run(f"DROP DATABASE IF EXISTS {quoted(self._beside)}")
            self._connection.close()

    def _runs(self, one: Statement) -> bool:
        try:
            self._run(f"SET SESSION sql_mode = {self._literal(one.mode if one.phase == 'code' else _MODE)}")
            self._run(one.sql)
        except pymysql.MySQLError as error:
            code = error.args[0] if error.args else 0
            if code in _CONNECTION_ERRORS:
                raise
            self._codes[one] = int(code)
            return False
        return True


def _beside(name: str) -> str:
    """The database in which a restore of another waits."""
    wanted = f"{name}__restoring"
    return wanted if len(wanted) <= _LONGEST_NAME else f"{sha256(name.encode()).hexdigest()[:32]}__restoring"


def _parts(block: bytes, limit: int) -> Iterator[bytes]:
    """A block in pieces of whole lines, each below a bound where its lines are."""
    start = 0
    while len(block) - start > limit:
        end = block.rfind(b"\n", start, start + limit) + 1 or block.index(b"\n", start) + 1
        yield block[start:end]
        start = end
    if start < len(block):
        yield block[start:]


def _values(lines: bytes, written: list[Column]) -> bytes:
    """Whole lines as the rows of an INSERT."""
    if not written:
        return b",".join([b"()"] * lines.count(b"\n"))
    if not any(column.is_hex or column.is_number for column in written):
        # No text can hold this form of NULL: its quotes are doubled, its backslashes too.
        fields = lines[:-1].replace(b"'", b"''").replace(b"\t", b"','").replace(b"\n", b"'),('")
        return (b"('" + fields + b"')").replace(b"'\\N'", b"NULL")
    return b",".join(_row(line, written) for line in lines[:-1].split(b"\n"))


def _row(line: bytes, written: list[Column]) -> bytes:
    fields = line.split(b"\t")
    return b"(" + b",".join(_literal(text, column) for text, column in zip(fields, written, strict=True)) + b")"


def _literal(text: bytes, column: Column) -> bytes:
    if text == b"\\N":
        return b"NULL"
    if column.is_hex:
        return b"x'" + text + b"'"
    return text if column.is_number else b"'" + text.replace(b"'", b"''") + b"'"
