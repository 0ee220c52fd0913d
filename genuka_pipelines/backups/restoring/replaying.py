"""Finds the rows of a restored database that were erased since, and what must become of each.

The list holds keyed hashes and no keys; so every key of a listed table is hashed here, once. What a person
or a tenant took back in the application is known by the live row alone, if somebody can ask for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeVar

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.blanks import blanked, not_yet_blank
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.moment import anchor_by
from genuka_pipelines.rows.path import any_of
from genuka_pipelines.rows.selection import Rows
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.rows.where import keys_where, where
from genuka_pipelines.systems.column_types import Query, as_text

if TYPE_CHECKING:
    from genuka_pipelines.control import Erasure, Origin
    from genuka_pipelines.control.cuts import Cut
    from genuka_pipelines.rows.declared import DeclaredTable, Home
    from genuka_pipelines.rows.house import House

SLACK = timedelta(hours=1)
"""An erasure this long before the snapshot may still not be in it: two clocks, and a transaction that was open."""
AT_ONCE = 5_000
"""Keys of one statement."""
Key = tuple[str, ...]
Verdict = Literal["erase", "blank", "undone", "recovered"]
"""erase: the row goes. blank: the live row was anonymised, so this one must be or go. undone: it is there again in
the application. recovered: the tenant's own deletion, which it asked to have back."""
Named = TypeVar("Named", "Erasure", "Cut")
"""What names a row by its keyed hash."""
_OWN: frozenset[Origin] = frozenset({"person", "tenant"})


@dataclass(frozen=True, slots=True)
class Live:
    """A live row: whether it is marked as deleted, and whether it still says something of anybody, if it ever did."""

    deleted: bool
    says: bool
    blankable: bool


@dataclass(frozen=True)
class Found:
    """The listed rows of one table of one database, by what becomes of them."""

    home: Home = field(repr=False)
    table: str
    verdicts: Mapping[Verdict, frozenset[Key]] = field(repr=False)

    def rows(self, verdict: Verdict) -> Iterator[Rows]:
        """Selections of its rows with a verdict, of a few thousand each."""
        keys = sorted(self.verdicts.get(verdict, ()))
        for start in range(0, len(keys), AT_ONCE):
            yield Rows(self.table, frozenset(keys[start : start + AT_ONCE]))

    def count(self, verdict: Verdict) -> int:
        """How many."""
        return len(self.verdicts.get(verdict, ()))


class Listing:
    """The erasures since a snapshot, as they are looked up: by system, table and hash."""

    def __init__(self, entries: Iterable[Erasure], *, since: datetime) -> None:
        self._by_row: dict[tuple[str, str], dict[bytes, list[Erasure]]] = defaultdict(dict)
        for one in entries:
            if one.at >= since - SLACK:
                self._by_row[one.system, one.table].setdefault(bytes.fromhex(one.row), []).append(one)

    def tables(self, system: str) -> frozenset[str]:
        """The tables of a system of which rows are listed."""
        return frozenset(table for other, table in self._by_row if other == system)

    def of(self, system: str, table: str) -> Mapping[bytes, Sequence[Erasure]]:
        """The erasures of a table by the 32 bytes of the row's hash."""
        return self._by_row.get((system, table), {})


def verdict(origins: Collection[Origin], live: Live | None, *, recover: bool) -> Verdict:
    """What becomes of a restored row that was erased for these reasons since; `live` is None where nobody can tell.

    A request, and the end of a tenant, are never taken back by a row that is there again.
    """
    chosen = set(origins)
    if live is not None and not live.deleted and chosen <= _OWN and (live.says or not live.blankable):
        return "undone"
    if recover and chosen == {"tenant"}:
        return "recovered"
    if live is not None and live.blankable and not live.says:
        return "blank"
    return "erase"


def find(home: Home, listing: Listing, hasher: Hasher, *, live: Home | None, recover: bool, now: datetime
         ) -> Iterator[Found]:  # fmt: skip
    """The listed rows of every table of a restored database; `live` is where the application keeps them now."""
    for name in home.declared:
        listed = listing.of(home.database.name, name)
        if not listed:
            continue
        table = home.table(name)
        found = dict(matched(table, listed, hasher))
        if not found:
            continue
        known = _live(live, name, sorted(found), now)
        verdicts: dict[Verdict, set[Key]] = defaultdict(set)
        for key, erasures in found.items():
            verdicts[verdict([one.origin for one in erasures], known.get(key), recover=recover)].add(key)
        yield Found(home, name, {one: frozenset(keys) for one, keys in verdicts.items()})


def says_something(home: Home, rows: Rows) -> frozenset[Key]:
    """Of these rows, those that anonymising would still change."""
    table = home.table(rows.table)
    return frozenset(keys_where(table, where(rows, table) & not_yet_blank(table)))


def live_home(house: House, home: Home, now: datetime) -> Home | None:
    """Where the application keeps the rows of a restored database now; None where it cannot be asked."""
    try:
        homes = house.databases(home.database.name).homes(house.catalog, now)
        found = homes.shared if home.tenant is None else homes.dedicated.get(home.tenant)
        if found is not None:
            found.database.tables()
        return found
    except GenukaError:
        return None


def matched(
    table: DeclaredTable, listed: Mapping[bytes, Sequence[Named]], hasher: Hasher
) -> Iterator[tuple[Key, Sequence[Named]]]:
    """Listed rows that are there. In another database than the row was erased in, only keys that are no numbers
    name the same row: a tenant that moved took its rows along."""
    here = table.home.tenant or ""
    anywhere = all(table.kind(name) == "text" for name in table.table.key)
    for batch in table.home.database.stream(_keys_of(table)):
        keys = [key for key in zip(*(column.to_pylist() for column in batch.columns), strict=True) if None not in key]
        for key, digest in zip(keys, hasher.digests(table.name, keys), strict=True):
            found = listed.get(digest)
            meant = [one for one in found or () if anywhere or one.database == here]
            if meant:
                yield key, meant


def _live(home: Home | None, name: str, keys: Sequence[Key], now: datetime) -> dict[Key, Live]:
    """What of these rows is there in the application; nothing of a table that cannot be asked."""
    found: dict[Key, Live] = {}
    if home is None or not home.has(name):
        return found
    try:
        table = home.table(name)
        blankable, says = bool(blanked(table)), sa.case((not_yet_blank(table), 1), else_=0)
        gone = sa.case((_deleted(table, now), 1), else_=0)
        for start in range(0, len(keys), AT_ONCE):
            wanted = frozenset(keys[start : start + AT_ONCE])
            asked = [as_text(table.column(part)) for part in table.table.key]
            query: Query = sa.select(*asked, gone, says).select_from(table.sql)
            for *key, deleted, still in home.database.rows(query.where(where(Rows(name, wanted), table))):
                if tuple(key) in wanted:
                    found[tuple(key)] = Live(bool(deleted), bool(still), blankable)
    except GenukaError:
        return {}
    return found


def _deleted(table: DeclaredTable, now: datetime) -> sa.ColumnElement[bool]:
    """The application marks the row as deleted."""
    rules = [rule for rule in table.category.rules_of(table.name) if rule.deleted_by]
    return any_of(in_state(table, rule.when) & anchor_by(table, rule.since, now) for rule in rules)


def _keys_of(table: DeclaredTable) -> Query:
    return sa.select(*(as_text(table.column(name)).label(f"k{at}") for at, name in enumerate(table.table.key))
                     ).select_from(table.sql)  # fmt: skip
