"""Takes out of a restored database's texts the addresses that an erasure took out of the live ones since.

The rows of an erased person go by the list of erasures; what others wrote of them stands in rows that stay, and
would say again, a year later, who had asked to be forgotten.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.backups.restoring.replaying import AT_ONCE, SLACK, matched
from genuka_pipelines.control.cuts import Address, Cut, among
from genuka_pipelines.rows.correcting import Change, correct, without
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.selection import Rows
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import Query, as_text, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.declared import DeclaredTable, Home

Key = tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """Rows of a table whose column still says one of the addresses, and the change that takes them out."""

    table: DeclaredTable = field(repr=False)
    column: str
    keys: frozenset[Key] = field(repr=False)
    change: Change = field(repr=False)

    def cut(self, keyring: Keyring) -> int:
        """Take the addresses out; how many values changed."""
        return sum(len(one.keys) for one in correct(self.table, self.column, self.keys, self.change, keyring))


class Mentions:
    """The cuts since a snapshot, as they are looked up: by system, table and hash of the row."""

    def __init__(self, cuts: Iterable[Cut], *, since: datetime) -> None:
        self._by_row: dict[tuple[str, str], dict[bytes, list[Cut]]] = defaultdict(dict)
        for one in cuts:
            if one.at >= since - SLACK:
                self._by_row[one.system, one.table].setdefault(bytes.fromhex(one.row), []).append(one)

    def tables(self, system: str) -> frozenset[str]:
        """The tables of a system in whose texts something was cut."""
        return frozenset(table for other, table in self._by_row if other == system)

    def of(self, system: str, table: str) -> Mapping[bytes, Sequence[Cut]]:
        """The cuts of a table by the 32 bytes of the row's hash."""
        return self._by_row.get((system, table), {})


def still_said(home: Home, mentions: Mentions, keyring: Keyring) -> Iterator[Said]:
    """What a restored database still says of what was cut: this counts, says what is done, and counts again."""
    hasher = Hasher(keyring)
    for name in home.declared:
        listed = mentions.of(home.database.name, name)
        if not listed:
            continue
        table = home.table(name)
        wanted: dict[tuple[str, frozenset[Address]], set[Key]] = defaultdict(set)
        for key, cuts in matched(table, listed, hasher):
            for column, addresses in _by_column(table, cuts).items():
                wanted[column, addresses].add(key)
        for (column, addresses), keys in wanted.items():
            change = without_listed(addresses, keyring)
            said = frozenset(_saying(table, column, sorted(keys), change))
            if said:
                yield Said(table, column, said, change)


def without_listed(addresses: frozenset[Address], keyring: Keyring) -> Change:
    """The same change as `without`, for addresses of which only the keyed hashes are known."""

    def change(text: str | None) -> str | None:
        if text is None:
            return None
        needles = {needle for part in _strings(text) for needle in among(part, addresses, keyring.erasure)}
        return without(needles)(text) if needles else text

    return change


def _by_column(table: DeclaredTable, cuts: Sequence[Cut]) -> Mapping[str, frozenset[Address]]:
    """The addresses by the column that had them; by every one that may say something where an old copy lacks it."""
    found: dict[str, set[Address]] = defaultdict(set)
    for one in cuts:
        for column in [one.column] if one.column in table.sql.c else _wordy(table):
            found[column].add(one.address)
    return {column: frozenset(addresses) for column, addresses in found.items()}


def _wordy(table: DeclaredTable) -> list[str]:
    kept = {*table.table.key, *table.table.references, *table.table.subject.values()}
    return [name for name in table.sql.c.keys() if name not in kept and kind_of(table.sql.c[name]) in ("text", "json")]  # noqa: SIM118


def _saying(table: DeclaredTable, column: str, keys: Sequence[Key], change: Change) -> Iterator[Key]:
    parts = [as_text(table.column(name)) for name in table.table.key]
    for start in range(0, len(keys), AT_ONCE):
        some = Rows(table.name, frozenset(keys[start : start + AT_ONCE]))
        query: Query = sa.select(*parts, as_text(table.column(column))).select_from(table.sql)
        for *key, text in table.home.database.rows(query.where(where(some, table))):
            if change(text) != text:
                yield tuple(key)


def _strings(text: str) -> Iterator[str]:
    """The text itself, and where it is JSON what stands in its strings and names, with nothing escaped."""
    yield text
    if text[:1] in "{[":
        try:
            left = [json.loads(text)]
        except ValueError:
            return
        while left:
            match left.pop():
                case str(found):
                    yield found
                case list(found):
                    left += found
                case dict(found):
                    left += [*found, *found.values()]
