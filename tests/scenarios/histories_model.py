"""What must be in a database after erasures and restores, told by sets: a few lines that know no SQL and no engine."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]
"""By table and key, the key as text."""
SUBJECT = {"people": "id", "sessions": "person_id", "messages": "author_id", "orders": "person_id",
           "invoices": "person_id"}  # fmt: skip
"""The column that says whose a row is."""
WORDS = {"messages": "body", "logs": "detail", "orders": "note", "invoices": "billed_to", "people": "name"}
"""The columns in which anybody may be mentioned."""
KEPT_BY_LAW = {"orders": "placed_at", "invoices": "issued_at"}
"""For ten years: an order as it is, an invoice without a name."""
Mention = tuple[str, str]
"""A table and the key of a row in it."""


def copied(tables: Tables) -> Tables:
    return {name: dict(rows) for name, rows in tables.items()}


def without(value: Any, addresses: Collection[str]) -> Any:
    """A text, or all texts of a JSON value, without the addresses in whichever case."""
    if isinstance(value, str):
        return _any_of(frozenset(addresses)).sub("[erased]", value) if addresses else value
    if isinstance(value, list):
        return [without(one, addresses) for one in value]
    if isinstance(value, dict):
        return {without(name, addresses): without(one, addresses) for name, one in value.items()}
    return value


@functools.lru_cache(maxsize=4_096)
def _any_of(addresses: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(addresses))), re.IGNORECASE)


def mentioned(tables: Tables, keys: Collection[str], addresses: Collection[str]) -> frozenset[Mention]:
    """Rows that are not theirs, and say one of the addresses."""
    addresses = frozenset(addresses)
    return frozenset(
        (name, key)
        for name, column in WORDS.items()
        for key, row in tables[name].items()
        if whose(name, row) not in keys and without(row[column], addresses) != row[column]
    )


def whose(table: str, row: Row) -> str | None:
    """The key of the person that a row is about."""
    return row[SUBJECT[table]] if table in SUBJECT else None


@dataclass
class Model:
    """The live rows, and what was erased when: `gone` by row, `cut` by row and address."""

    live: Tables
    gone: dict[tuple[str, str], datetime] = field(default_factory=dict)
    cut: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def keys_of(self, addresses: Collection[str]) -> frozenset[str]:
        """Who has one of the addresses now."""
        return frozenset(key for key, row in self.live["people"].items() if row["email"] in addresses)

    def erase(
        self, keys: Collection[str], addresses: Collection[str], mentions: Iterable[Mention], *,
        held: Collection[str], now: datetime,
    ) -> None:  # fmt: skip
        """The persons' rows go but for what is held or kept by law, and their addresses from what others said."""
        for name in SUBJECT:
            for key, row in list(self.live[name].items()):
                if whose(name, row) in keys and whose(name, row) not in held and fate(name, row, now) != row:
                    _put(self.live[name], key, fate(name, row, now))
                    self.gone[name, key] = now
        for name, key in mentions:
            if key in self.live[name]:
                row = self.live[name][key]
                said = [one for one in addresses if _cut(name, row, [one]) != row]
                self.cut.update({(name, key, address): now for address in said})
                self.live[name][key] = _cut(name, row, addresses)

    def restored(
        self, then: Tables, taken: datetime, *, held: Collection[str], now: datetime, tenant: str | None = None
    ) -> Tables:
        """What a backup must be once it passed the gate: as it was then, but for what was erased since."""
        found: Tables = {name: {} for name in then}
        cuts: dict[Mention, set[str]] = {}
        for (name, key, address), at in self.cut.items():
            if at >= taken:
                cuts.setdefault((name, key), set()).add(address)
        for name, rows in then.items():
            for key, row in rows.items():
                if tenant is None or row["company_id"] == tenant:
                    since = (name, key) in self.gone and self.gone[name, key] >= taken
                    left = fate(name, row, now) if since and whose(name, row) not in held else row
                    if left is not None:
                        found[name][key] = _cut(name, left, cuts.get((name, key), ()))
        return found


def fate(table: str, row: Row, now: datetime) -> Row | None:
    """What an erasure makes of a person's row: nothing, itself, or itself without a name."""
    if table in KEPT_BY_LAW and row[KEPT_BY_LAW[table]].year > now.year - 10:
        return row if table == "orders" else {**row, "person_id": None, "billed_to": None}
    return None


def differences(there: Tables, wanted: Tables) -> Mapping[str, Any]:
    """By table, rows that are there and must not be, that must be and are not, and that are not as they must be."""
    found: dict[str, Any] = {}
    for name, rows in wanted.items():
        here = there[name]
        changed = [(key, here[key], rows[key]) for key in here.keys() & rows.keys() if here[key] != rows[key]]
        more, less = sorted(here.keys() - rows.keys()), sorted(rows.keys() - here.keys())
        if more or less or changed:
            found[name] = {"too many": more[:5], "missing": less[:5], "other": changed[:3]}
    return found


def _cut(table: str, row: Row, addresses: Collection[str]) -> Row:
    if not addresses or table not in WORDS:
        return row
    return {**row, WORDS[table]: without(row[WORDS[table]], addresses)}


def _put(rows: dict[str, Row], key: str, row: Row | None) -> None:
    if row is None:
        del rows[key]
    else:
        rows[key] = row
