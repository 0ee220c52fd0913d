"""Reads which rows a line would take, a window at a time and without locks.

Held in memory all at once they would not fit; asked for batch by batch, the server would walk over the
places of the deleted rows again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.path import Predicate, tenant_of
from genuka_pipelines.systems.column_types import Query, as_text, kind_of
from genuka_pipelines.systems.writer import Found, Keys, Rows

if TYPE_CHECKING:
    from genuka_pipelines.rows.destroying.grip import Grip, Grips

_FEW = 10_000
_DENSE = 60
"""Rows a page that a first range of pages counts on."""
_SPARSE = 4
"""Pages a row beyond which it is worth knowing each row's place."""
_CAREFUL, _FURTHER = 0.8, 16
"""Of the rows that are welcome, the part that a range of pages is meant to hold; and how fast ranges may grow."""


class Windows:
    """The rows of a table that satisfy a predicate, at most `size` at once, of which `room` says how many are
    welcome just now; those without a key are left out. With `grips`, a window that was read in the order of the
    table comes with the transaction that read it.
    """

    def __init__(
        self,
        table: DeclaredTable,
        predicate: Predicate,
        size: int,
        room: Callable[[], int],
        grips: Grips | None = None,
    ) -> None:
        self._table, self._size, self._room, self._grips = table, size, room, grips
        self._database = table.home.database
        self._keys = [table.column(name) for name in table.table.key]
        self._predicate = sa.and_(predicate, *(key.is_not(None) for key in self._keys))
        self.grip: Grip | None = None
        """The transaction that read the last window."""
        self._place = self._database.writer.place(table.sql)
        content = table.table.content
        self._content = as_text(table.column(content.key)) if content else None

    def __iter__(self) -> Iterator[Sequence[Found]]:
        """All of them: by the server's own plan where they are few, else once through the table in its order."""
        few = min(self._size, _FEW)
        first = self._asked(sa.true(), limit=few + 1)
        if len(first) <= few:
            if first:
                yield sorted(first, key=lambda row: self._database.writer.page(row.place))
            return
        with self._database.connected() as connection:
            by_pages = self._database.writer.pages(connection, self._table.name) is not None
        yield from self._by_pages() if by_pages else self._by_key()

    def fair(self, quotas: Mapping[str | None, int]) -> Iterator[list[Found]]:
        """At most so many rows of each tenant, each tenant's first rows before any tenant's second."""
        left = dict(quotas)
        tenant = tenant_of(self._table)
        turn = sa.func.row_number().over(partition_by=tenant, order_by=self._keys).label("turn")
        while wanted := [one for one, rows in left.items() if rows > 0]:
            spent = [one for one, rows in left.items() if rows <= 0]
            within: Predicate = sa.true() if not spent else tenant.not_in([one for one in spent if one is not None])
            if None in spent:
                within = within & tenant.is_not(None)
            elif spent:
                within = within | tenant.is_(None)
            inner = self._query(within, tenant.label("tenant"), turn).subquery()
            listed = [column for column in inner.c if column.key != "turn"]
            query = sa.select(*listed).order_by(inner.c.turn).limit(self._size)
            window = []
            for row in self._of_tenants(query):
                if left.get(row.tenant, 0) > 0:
                    left[row.tenant] -= 1
                    window.append(row)
            if not window:
                return
            yield window
            if sum(left[one] for one in wanted) <= 0:
                return

    def _by_pages(self) -> Iterator[Rows]:
        writer = self._database.writer
        ends = sa.select(*writer.ends(self._table.sql)).select_from(self._table.sql).where(self._predicate)
        first, last = self._database.rows(ends)[0]
        start, end = (writer.page(first), writer.page(last) + 1) if first else (0, 0)
        span, sparse = max(1, min(self._room(), self._size) // _DENSE), False
        while start < end:
            within = writer.between_pages(self._table.sql, start, start + span)
            # What is read for writing has to be read within the time that a change may take.
            grip = self._grips.new() if self._grips and span <= self._size else None
            found = self._asked(within, limit=self._size + 1, grip=grip, placed=sparse)
            if len(found) > self._size and span > 1:
                span = max(1, span // 2)
                _drop(grip)
                continue
            if found:
                found.together, self.grip = (start, start + span), grip
                if grip is not None:
                    grip.reach = within
                yield found
                self.grip = None
            else:
                _drop(grip)
            start, sparse = start + span, len(found) * _SPARSE < span
            # As many pages as hold, by the last ones, what is welcome now.
            wanted = min(self._room(), self._size) * _CAREFUL
            span = max(1, min(span * _FURTHER, int(span * wanted / max(1, len(found)))))

    def _by_key(self) -> Iterator[Rows]:
        after: Predicate = sa.true()
        while True:
            # Never less than a window: a server that finds the rows by another index sorts what is left each time.
            found = self._asked(after, limit=self._size, ordered=True)
            if found:
                yield found
            if len(found) < self._size:
                return
            after = self._after(found.keys[-1])

    def _after(self, key: Sequence[str]) -> Predicate:
        """Beyond a key, in a form that lets every server begin at it in the index."""
        bounds: list[Any] = [
            int(part) if kind_of(column) == "integer" else part for column, part in zip(self._keys, key, strict=True)
        ]
        beyond: list[Predicate] = []
        for place, column in enumerate(self._keys):
            same = [before == bound for before, bound in zip(self._keys[:place], bounds, strict=False)]
            beyond.append(sa.and_(*same, column > bounds[place]))
        return sa.and_(self._keys[0] >= bounds[0], sa.or_(*beyond))

    def _asked(
        self, within: Predicate, *, limit: int, ordered: bool = False, grip: Grip | None = None, placed: bool = True
    ) -> Rows:
        query = self._query(within, placed=placed).limit(limit)
        width, writer = len(self._keys), self._database.writer
        with self._database.connected() if grip is None else grip.reading() as connection:
            read = writer.read(connection, query.order_by(*self._keys) if ordered else query)
            keys = Keys(read[:width])
            # Pages mean nothing where a key is the order: only that they lie together counts.
            dense = (0, 0) if ordered and keys and writer.dense(connection, self._keys, keys) else None
        rest = iter(read[width:])
        places = next(rest) if placed and self._place is not None else None
        return Rows(keys, places, next(rest) if self._content is not None else None, dense)

    def _query(self, within: Predicate, *more: sa.ColumnElement[Any], placed: bool = True) -> Query:
        asked = [as_text(key).label(f"k{part}") for part, key in enumerate(self._keys)]
        if placed and self._place is not None:
            asked.append(self._place.label("place"))
        if self._content is not None:
            asked.append(self._content.label("content"))
        return sa.select(*asked, *more).select_from(self._table.sql).where(self._predicate, within)

    def _of_tenants(self, query: Query) -> Iterator[Found]:
        width = len(self._keys)
        placed, pointing = self._place is not None, self._content is not None
        for row in self._database.rows(query):
            rest = iter(row[width:])
            place = next(rest) if placed else None
            content = next(rest) if pointing else None
            yield Found(tuple(row[:width]), place, content, next(rest))


def _drop(grip: Grip | None) -> None:
    if grip is not None:
        grip.drop()
