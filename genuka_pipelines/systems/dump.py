"""A whole database read as its own text, and that text loaded again: what each kind of server must offer.

A backup must give back what was there, to the byte. A reader that turned values into a format of its own
would lose nested arrays, infinities, zero dates; here the server writes its rows, and the server reads them.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, Self

import sqlalchemy as sa

from genuka_pipelines.systems.column_types import Query

if TYPE_CHECKING:
    from types import TracebackType

    from genuka_pipelines.systems.database import Database

BLOCK_BYTES = 1 << 20
"""A block of lines ends at the first whole line beyond."""
Phase = Literal["types", "functions", "tables", "keys", "indexes", "foreign_keys", "code"]
"""When a statement can run: `types`, `functions` and `tables` before the rows, `code` (views, triggers) last of all."""
Product = Literal["postgresql", "mysql"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table that holds rows: the columns of a line, in their order, without generated ones.

    `key` is the primary key, empty where there is none. `schema_sha256` changes with the columns' names,
    order and types, and with nothing else.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    schema_sha256: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a definition: `name` is what it makes, `table` whose it is, `parent` a table it points at.

    An object that is no table's has an empty `table`; what is `optional` may be left out, if it is named.
    `mode` is the SQL mode in which MySQL is to read it.
    """

    phase: Phase
    name: str
    sql: str
    table: str = ""
    parent: str = ""
    optional: bool = False
    mode: str = ""

    @property
    def shown(self) -> str:
        """Its name with that of its table."""
        return f"{self.table}.{self.name}" if self.table else self.name


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that makes the empty database again, in order.

    `unread` names objects whose text the role was not shown, or that are of a kind not written here.
    """

    product: Product
    version: str
    statements: tuple[Statement, ...]
    unread: tuple[str, ...] = ()

    def of(self, phase: Phase, tables: Collection[str]) -> tuple[Statement, ...]:
        """The statements of a phase that belong to one of the tables, or to none."""
        return tuple(one for one in self.statements if one.phase == phase and (not one.table or one.table in tables))

    def lines(self) -> Iterator[str]:
        """JSON lines: one of the database, then one for each statement."""
        yield json.dumps({"product": self.product, "version": self.version, "unread": list(self.unread)})
        for statement in self.statements:
            yield json.dumps(asdict(statement), ensure_ascii=False)

    @classmethod
    def read(cls, lines: Iterable[str]) -> Definition:
        """The definition of such lines."""
        head, *statements = (json.loads(line) for line in lines)
        return cls(
            head["product"], head["version"], tuple(Statement(**one) for one in statements), tuple(head["unread"])
        )


def schema_sha256(columns: Iterable[tuple[str, ...]]) -> str:
    """The hash of a table's columns: of each its name, its type and what else decides on its text."""
    return sha256(json.dumps([list(column) for column in columns], ensure_ascii=False).encode()).hexdigest()


def gathered(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of about 1 MiB, however small they come."""
    parts: list[bytes] = []
    size = 0
    for part in lines:
        parts.append(part)
        size += len(part)
        if size >= BLOCK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def by_rounds(statements: Iterable[Statement], runs: Callable[[Statement], bool]) -> list[Statement]:
    """Run statements in rounds as long as one more succeeds; those that never did.

    So what depends on another comes after it, without a list of everything that may depend on anything.
    """
    pending, tried = list(statements), -1
    while pending and len(pending) != tried:
        tried = len(pending)
        pending = [one for one in pending if not runs(one)]
    return pending


class Dump(ABC):
    """One consistent snapshot of one database, opened by `Database.dump(workers=n)`.

    A worker is a number below n: one connection, one stream at a time. Different workers may read in
    different threads; everything else may be asked from any thread.
    """

    taken_at: datetime
    """The server's clock just before the snapshot, aware UTC."""
    snapshot: str
    """The identity of the snapshot: PostgreSQL's own text, a binary log's position or the time."""
    shared: bool
    """Whether all workers see the same snapshot; where not, there is one worker only."""
    workers: int
    """How many workers there are: those asked for, or one."""
    elsewhere: tuple[str, ...]
    """Tables of this database that are not read here, being of another schema or server: `schema.table`."""

    @abstractmethod
    def tables(self) -> Mapping[str, Shape]:
        """Every base table by name, in order of names."""

    @abstractmethod
    def definition(self) -> Definition:
        """The statements that make it again."""

    @abstractmethod
    def sequences(self) -> Mapping[str, str]:
        """The next value of each sequence, as text (MySQL: of each table with AUTO_INCREMENT, under its name)."""

    @abstractmethod
    def ask(self, query: Query, worker: int = 0) -> list[tuple[Any, ...]]:
        """The rows of a small query, in the same snapshot."""

    @abstractmethod
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
        r"""The rows of a table in blocks of about 1 MiB, each of whole lines `<prefix>\t<row>\n`.

        Fields lie between tabs; NULL is `\N`; a backslash, tab, newline and carriage return in a field are
        `\\`, `\t`, `\n`, `\r` (PostgreSQL writes further control signs as `\b`, `\f`, `\v`). On MySQL binary
        fields, geometries and texts in a character set other than UTF-8, ASCII and latin1 are the hex of their bytes,
        bit fields a number. `prefix` is an expression on `Database.table(table)`; None is NULL.
        `of` is that table with what else the prefix needs, outer-joined so that each of its rows stays one.
        `where` (on the same) chooses rows, `columns` some of its shape's. `ordered` by the primary key, texts by their
        bytes; without one by a hash of the row, so that the same rows come in the same order on every server.
        A stream that is left early costs its worker a new connection, which joins the same snapshot if it is
        shared; where it is not, the worker is lost and reading again raises DatabaseUnreachable.
        """

    @abstractmethod
    def close(self) -> None:
        """End the snapshot and give the connections back."""


class Load(ABC):
    """Rows and definitions put into an empty database or schema, first out of sight; opened by `Database.load()`.

    `create`, then `rows` for each table (different tables in different threads if wanted), then `finish`;
    then work on `quarantine`; then `publish`. Leaving the `with` without that discards everything.
    """

    quarantine: Database
    """What was loaded, as a database of its own; nobody else is told of it before `publish`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @abstractmethod
    def create(self, definition: Definition, tables: Collection[str]) -> None:
        """Make the types and these tables, without keys. NotRestorable where the server cannot."""

    @abstractmethod
    def rows(self, table: str, columns: Collection[str], lines: Iterable[bytes]) -> int:
        r"""Load lines without prefix, each ending `\n`, one or many to a block; how many there were.

        All of them or, with an error, none. NotRestorable where a value is not taken exactly.
        """

    @abstractmethod
    def finish(self, definition: Definition, tables: Collection[str], sequences: Mapping[str, str]) -> list[str]:
        """Make keys, indexes and foreign keys, and set the sequences.

        The foreign keys left out, `table.name` each: those whose other table is absent, and those whose rows
        point at rows that are not there.
        """

    @abstractmethod
    def publish(self) -> list[str]:
        """Make views, triggers and the like, and put all in the wanted place at once; names of what was left out.

        TargetNotEmpty where something came to be there meanwhile.
        """

    @abstractmethod
    def discard(self) -> None:
        """Remove what was loaded and not published; nothing where nothing is."""
