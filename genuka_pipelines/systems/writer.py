"""How one kind of server changes rows: its write session, its physical order, rows found again by key.

A row is named by its key from the plan to the evidence; a server that had to search for each would make
a sweep of a million rows take a night, so each dialect says how it finds many again at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, overload

import sqlalchemy as sa

if TYPE_CHECKING:
    from genuka_pipelines.systems.column_types import Query

Predicate = sa.ColumnElement[bool]
UNIT = "\x1f"
"""Between values that are read as one text."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A constraint of the server: rows of `child` name rows of `parent`; columns in their pairs.

    `on_delete` is in lower case: `no action`, `restrict`, `cascade`, `set null` or `set default`.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
    on_delete: str

    @property
    def reaches_on(self) -> bool:
        """Whether the server itself would change the child when the parent goes."""
        return self.on_delete not in ("no action", "restrict")


class Found(NamedTuple):
    """A row that was found: the parts of its key as text; and, as text, its place in the file, what it points
    at elsewhere and its tenant, where there is one and it was asked for.
    """

    key: tuple[str, ...]
    place: str | None = None
    content: str | None = None
    tenant: str | None = None


class Keys(Sequence[tuple[str, ...]]):
    """Keys, held part by part: a value for each of a million would take longer than to delete them."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts[0])

    @overload
    def __getitem__(self, at: int) -> tuple[str, ...]: ...

    @overload
    def __getitem__(self, at: slice) -> Keys: ...

    def __getitem__(self, at: int | slice) -> tuple[str, ...] | Keys:
        if isinstance(at, slice):
            return Keys([part[at] for part in self.parts])
        return tuple(part[at] for part in self.parts)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return zip(*self.parts, strict=True)


class Rows(Sequence[Found]):
    """Many rows that were found in one read, held column by column.

    They lie close together, in the order of the table, where `together` says so; on a server that is read by
    pages it gives the first page and the one after the last.
    """

    __slots__ = ("_contents", "_places", "keys", "together")

    def __init__(
        self,
        keys: Keys,
        places: Sequence[str] | None = None,
        contents: Sequence[str | None] | None = None,
        together: tuple[int, int] | None = None,
    ) -> None:
        self.keys, self._places, self._contents, self.together = keys, places, contents, together

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Found: ...

    @overload
    def __getitem__(self, at: slice) -> Rows: ...

    def __getitem__(self, at: int | slice) -> Found | Rows:
        places, contents = self._places, self._contents
        if isinstance(at, slice):
            return Rows(self.keys[at], places and places[at], contents and contents[at], self.together)
        return Found(self.keys[at], places[at] if places else None, contents[at] if contents else None)

    def __iter__(self) -> Iterator[Found]:
        return map(self.__getitem__, range(len(self.keys)))


def keys_of(rows: Sequence[Found]) -> Sequence[tuple[str, ...]]:
    """The keys of rows, in their order."""
    return rows.keys if isinstance(rows, Rows) else [row.key for row in rows]


def parts_of(rows: Sequence[Found]) -> Sequence[Sequence[str]]:
    """The same part by part; of one row at least."""
    return rows.keys.parts if isinstance(rows, Rows) else list(zip(*keys_of(rows), strict=True))


class Writer(ABC):
    """How rows are changed there."""

    grips: ClassVar[bool] = False
    """Whether a transaction that read rows can change exactly these by asking the same again; see `grip`."""
    foreign_keys: ClassVar[str]
    """One query: constraint, child, column, parent, key, rule on deletion; in the order of the columns."""

    @abstractmethod
    def prepare(self, connection: Any, locks: float, timeout: float) -> None:
        """Make a fresh connection writable, read-committed, in UTC; bounds in seconds on locks and statements."""

    def grip(self, connection: sa.Connection) -> None:
        """Begin a transaction whose changes reach exactly the rows that its reads found.

        For predicates that look at the row alone; what others changed meanwhile is an error, or counts as too few.
        """
        raise NotImplementedError

    @abstractmethod
    def place(self, table: sa.FromClause) -> sa.ColumnElement[Any] | None:
        """Where a row lies in its file, as text; None where its key says it."""

    @staticmethod
    def page(place: str | None) -> int:
        """The page of a place; 0 where there is none."""
        return int(place[1 : place.index(",")]) if place else 0

    def read(self, connection: sa.Connection, query: Query) -> list[Sequence[Any]]:
        """The columns of a query whose columns are all text; as many as it has, empty ones for no rows."""
        found = connection.execute(query).all()
        return list(zip(*found, strict=True)) if found else [()] * len(query.selected_columns)

    @abstractmethod
    def dense(
        self, connection: sa.Connection, columns: Sequence[sa.ColumnElement[Any]], keys: Sequence[tuple[str, ...]]
    ) -> bool:
        """Whether rows that were read in the order of their key are better found between the first and the last."""

    @abstractmethod
    def pages(self, connection: sa.Connection, table: str) -> int | None:
        """The pages of a table that can be read by ranges of them; None for any other."""

    @abstractmethod
    def ends(self, table: sa.FromClause) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """The first and the last place, as text, of the rows of a query on a table that is read by pages."""

    @abstractmethod
    def between_pages(self, table: sa.FromClause, first: int, last: int) -> Predicate:
        """The rows of the pages from `first` up to, and without, `last`."""

    @abstractmethod
    def among(
        self, columns: Sequence[sa.ColumnElement[Any]], declared: Sequence[str], rows: Sequence[Found]
    ) -> list[Predicate]:
        """Predicates, one for each statement to be sent, that together find exactly the rows of these keys.

        `declared` are the types of the key's columns in the server's words. A row that has left its place
        is not found where `place` is given.
        """

    @abstractmethod
    def lag(self, connection: sa.Connection) -> float | None:
        """Seconds by which the slowest replica is behind; None where the server does not tell."""

    def links(self, connection: sa.Connection) -> tuple[ForeignKey, ...]:
        """Every foreign key of the database."""
        found: dict[str, list[Any]] = {}
        for name, *row in connection.exec_driver_sql(self.foreign_keys):
            found.setdefault(name, []).append(row)
        return tuple(
            ForeignKey(rows[0][0], tuple(row[1] for row in rows), rows[0][2], tuple(row[3] for row in rows), rows[0][4])
            for rows in found.values()
        )
