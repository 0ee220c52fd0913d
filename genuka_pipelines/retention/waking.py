"""What cannot wait for the night: somebody asked, a recording is processed, a hold was lifted.

Looked for by counts and by the ledger's end, so that asking every quarter of an hour costs next to nothing;
and remembered, so that what cannot go now does not start a run each time it is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.control import HoldReleased
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.retention.permission import database_systems
from genuka_pipelines.rows.databases import Homes, expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.fate import fates
from genuka_pipelines.rows.holding import holds_now
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.path import Predicate
from genuka_pipelines.rows.selection import Due, Hold

_AT_ONCE = Period("P0D")


@dataclass(frozen=True)
class Seen:
    """What was there at one look: the ledger's last entry, and by category how many rows may go early."""

    entry: int = 0
    early: Mapping[str, int] = field(default_factory=dict)

    def written(self) -> str:
        """For a cursor."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def read(cursor: str | None) -> Seen | None:
        """What a cursor says; None where there is none yet."""
        return Seen(**json.loads(cursor)) if cursor else None


@dataclass(frozen=True)
class Waking:
    """Which categories to sweep now (every one, where a hold was `lifted`), and what nobody could look at."""

    seen: Seen
    categories: tuple[str, ...] = ()
    lifted: bool = False
    unknown: tuple[str, ...] = ()


def look(house: Sweepable, before: Seen | None, *, as_of: datetime, now: datetime) -> Waking:
    """What has come since the last look. The first look only takes note of the holds that were lifted before it."""
    last = house.control.ledger.head().seq
    lifted = before is not None and any(
        isinstance(entry.body, HoldReleased) for entry in house.control.ledger.entries(after=before.entry)
    )
    early, unknown = _early(house, as_of, now)
    known = before.early if before else {}
    # Another number is another row: the same one again is what would not go last time, and waits for the night.
    fresh = tuple(key for key, rows in early.items() if rows != known.get(key))
    return Waking(Seen(last, early), fresh, lifted, unknown)


def _early(house: Sweepable, as_of: datetime, now: datetime) -> tuple[dict[str, int], tuple[str, ...]]:
    found: dict[str, int] = {}
    unknown: list[str] = []
    for system, keys in database_systems(house.catalog, house.catalog.categories):
        early = {key for key in keys if any(_early_rules(house, key))}
        if not early:
            continue
        then = house.catalog.systems[system].moment(as_of, now)
        holds = holds_now(house, system, now)
        try:
            homes = house.databases(system).homes(house.catalog, then)
            for key, rule, table in _tables(house, homes, early):
                if rows := _count(table, rule, then, holds):
                    found[key] = found.get(key, 0) + rows
        except GenukaError as error:
            unknown.append(str(error))
    return found, tuple(unknown)


def _early_rules(house: Sweepable, key: str) -> Iterator[tuple[str, Rule]]:
    """The rules that end rows before the night would, by the table each stands on."""
    category = house.catalog.categories[key]
    for name in category.tables:
        for rule in category.rules_of(name):
            if rule.action != "drop_database" and (rule.sooner or rule.period == _AT_ONCE):
                yield name, rule


def _tables(house: Sweepable, homes: Homes, keys: set[str]) -> Iterator[tuple[str, Rule, DeclaredTable]]:
    for key in sorted(keys):
        for name, rule in _early_rules(house, key):
            own = homes.dedicated.values() if expected_in_dedicated(homes.shared, name) else ()
            for home in (homes.shared, *own):
                if home.has(name):
                    yield key, rule, home.table(name)


def _count(table: DeclaredTable, rule: Rule, as_of: datetime, holds: Sequence[Hold]) -> int:
    """The rows that may go now by the rule's early end, or by a period of no length."""
    early: Predicate = sa.true()
    if rule.period != _AT_ONCE:
        early = sa.or_(*(Moment(table, reference, or_flag=True).by(as_of) for reference in rule.sooner.values()))
    goes = [fate.goes for fate in fates(Due(rule, as_of), table, as_of=as_of, holds=holds)]
    query = sa.select(sa.func.count()).select_from(table.sql).where(early, sa.or_(sa.false(), *goes))
    return int(table.home.database.scalar(query))
