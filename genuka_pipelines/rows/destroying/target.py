"""One line of work: a table in one database, one ending, one verb, and the predicate that holds allow now.

A predicate built before a hold came would destroy what it keeps; so it is asked for anew with the holds
that bind at each batch, and built anew where they changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.keys.mac import hmac_pads
from genuka_pipelines.rows.above import Above, dependents
from genuka_pipelines.rows.blanks import blank_values, blanked, not_yet_blank
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.fate import Fate, fates, left_below
from genuka_pipelines.rows.path import Predicate, any_of, but_not, row_in
from genuka_pipelines.rows.selection import Hold, Selection
from genuka_pipelines.rows.where import row_text
from genuka_pipelines.systems.column_types import Query, as_text
from genuka_pipelines.systems.writer import ForeignKey, Found

Verb = Literal["delete", "anonymise"]


@dataclass(eq=False)
class Target:
    """`meanwhile` is the anonymisation of rows that their deletion's law keeps."""

    table: DeclaredTable
    selection: Selection
    name: str | None
    rule: Rule | None
    verb: Verb
    meanwhile: bool
    as_of: datetime
    links: Sequence[ForeignKey]
    _known: tuple[tuple[Hold, ...], Fate] | None = field(repr=False)
    _guard: Predicate | None = field(default=None, repr=False)

    @property
    def does(self) -> Verb:
        """What is done to the rows."""
        return "anonymise" if self.meanwhile else self.verb

    def fate(self, holds: Sequence[Hold]) -> Fate:
        """The line's predicates under these holds."""
        wanted = tuple(holds)
        if self._known is None or self._known[0] != wanted:
            only = (self.name, self.verb)
            found = fates(self.selection, self.table, as_of=self.as_of, holds=wanted, only=only)
            self._known = wanted, next(found)
        return self._known[1]

    def goes(self, holds: Sequence[Hold]) -> Predicate:
        """The rows to act on now: selected, not kept, and nothing below them left that must go before."""
        fate = self.fate(holds)
        if self.meanwhile:
            return fate.blanked
        return but_not(fate.goes, self.guard()) if self.verb == "delete" else fate.goes

    def guard(self) -> Predicate:
        """Rows that must wait: for what ends with them, and for declared rows that a foreign key ties to them."""
        if self._guard is None:
            known = {
                (way.table.name, way.naming.column)
                for way in dependents(self.table.home, self.table.name)
                if isinstance(way, Above) and way.naming is not None and way.destroys
            }
            tied = [
                _tied(self.table, link)
                for link in self.links
                if link.parent == self.table.name
                and link.child in self.table.home.declared
                and link.on_delete not in ("set null", "set default")
                and (link.child, link.columns[0]) not in known
            ]
            self._guard = any_of([left_below(self.table), *tied])
        return self._guard

    @property
    def takes_along(self) -> bool:
        """Whether the server itself changes other rows with these: then they are locked before they are judged."""
        return any(link.parent == self.table.name and link.reaches_on for link in self.links)

    @property
    def empties_content(self) -> bool:
        """Whether what the rows point at elsewhere has to go before them."""
        content = self.table.table.content
        return content is not None and (self.does == "delete" or content.key in blanked(self.table))

    def found(self, rows: Sequence[Found]) -> list[Predicate]:
        """Predicates, one a statement, that find the rows again."""
        names = self.table.table.key
        declared = self.table.home.database.tables()[self.table.name]
        columns = [self.table.column(name) for name in names]
        return self.table.home.database.writer.among(columns, [declared[name] for name in names], rows)

    def act(self, connection: sa.Connection, found: Predicate, goes: Predicate, salt: bytes) -> int:
        """Delete or blank the rows found that may go; how many there were."""
        table: Any = self.table.sql
        if self.does == "delete":
            return int(connection.execute(sa.delete(table).where(found, goes)).rowcount)
        pads = hmac_pads(salt)
        dialect = self.table.home.database.dialect
        values = blank_values(self.table, lambda: dialect.hmac_sha256(row_text(self.table), *pads))
        return int(connection.execute(sa.update(table).where(found, goes).values(values)).rowcount)

    def present(self, connection: sa.Connection, rows: Sequence[Found], *, locked: bool = False,
                goes: Predicate | None = None) -> list[tuple[str, ...]]:  # fmt: skip
        """The keys of those rows that are still there (for an anonymisation: that still say something)."""
        keys = [as_text(self.table.column(name)) for name in self.table.table.key]
        left = goes if goes is not None else (not_yet_blank(self.table) if self.does == "anonymise" else sa.true())
        found: list[tuple[str, ...]] = []
        for predicate in self.found([Found(row.key) for row in rows]):
            query = sa.select(*keys).select_from(self.table.sql).where(predicate, left)
            if locked:
                query = query.with_for_update(of=self.table.sql if self._names_locks else None, skip_locked=True)
            found += [tuple(row) for row in connection.execute(query)]
        return found

    @property
    def _names_locks(self) -> bool:
        return self.table.home.database.dialect.name == "postgresql"


def _tied(table: DeclaredTable, link: ForeignKey) -> Predicate:
    child = table.home.table(link.child).aliased()
    if len(link.columns) == 1:
        return row_in(table.column(link.keys[0]), child, link.columns[0], lambda _: sa.true())
    same = [child.column(mine) == table.column(theirs) for mine, theirs in zip(link.columns, link.keys, strict=True)]
    found: Query = sa.select(sa.literal_column("1")).select_from(child.sql).where(*same)
    return found.correlate_except(child.sql).exists()
