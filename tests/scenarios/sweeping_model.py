"""What a sweep has to leave, row by row, from the pure verdict; and what really is there.

The verdict is plain arithmetic over what is read of a row. A sweep that leaves anything else has taken
too much or too little, whatever its own counts say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from genuka_pipelines.catalog.verdict import Below, Held, Verdict, verdict
from genuka_pipelines.rows.blanks import not_yet_blank
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.ending import endings_of
from genuka_pipelines.rows.fate import kept_below
from genuka_pipelines.rows.reading import Query, paths, read
from genuka_pipelines.rows.selection import Hold
from genuka_pipelines.rows.where import held
from genuka_pipelines.systems.column_types import as_text
from tests.scenarios.sweeping_world import World

Fate = Literal["gone", "anonymised", "unchanged"]
Place = tuple[str, str | None, str]
"""A system, the tenant whose own database it is, and a table."""
Key = tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """A row, the verdict on it, and what a sweep must make of it."""

    verdict: Verdict
    fate: Fate


def tables(world: World, categories: Iterable[str] | None = None) -> Iterator[tuple[Place, DeclaredTable]]:
    """Every declared table of every operational database, or those of some categories."""
    wanted = None if categories is None else set(categories)
    for system, home in world.homes():
        for name, declaration in home.declared.items():
            if home.has(name) and (wanted is None or declaration.key in wanted):
                yield (system, home.tenant, name), home.table(name)


def judge(table: DeclaredTable, as_of: datetime, holds: Sequence[Hold] = ()) -> dict[Key, Judged]:
    """The verdict on every row of a table, all read in one query."""
    query, keys = Query(), [as_text(table.column(name)) for name in table.table.key]
    asked = {name: [read(query, path, as_of) for path in paths(one)] for name, one in endings_of(table).items()}
    covers = {hold.id: query.yes(held(table, [hold])) for hold in holds}
    law_below, says = query.yes(kept_below(table, as_of, [])), query.yes(not_yet_blank(table))
    holds_below = {hold.id: query.yes(kept_below(table, as_of, [hold])) for hold in holds}
    found = {}
    width = len(keys)
    labelled = [key.label(f"k{place}") for place, key in enumerate(keys)]
    for row in table.home.database.rows(sa.select(*labelled, *query.asked).select_from(table.sql)):
        query.answers = row[width:]
        readings: dict[str, Any] = {}
        for name, reads in asked.items():
            leading = [reading() for there, reading in reads if there()] or [reads[0][1]()]
            readings |= {f"{name} {place}": reading for place, reading in enumerate(leading)}
        covering = [Held(hold) for hold, is_held in covers.items() if is_held()]
        below = [] if law_below() else [Held(hold) for hold, is_held in holds_below.items() if is_held()]
        said = verdict(readings, as_of, covering, Below(law_below(), tuple(below)))
        found[tuple(row[:width])] = Judged(said, _fate(said, says()))
    return found


def _fate(said: Verdict, says: bool) -> Fate:
    """`says`: something is left that anonymising would take."""
    going = [one for one in said.promised if said.goes(one)]
    if any(not one.anonymises for one in going):
        return "gone"
    if going:
        return "anonymised"
    ending = any(one.due and not one.anonymises for one in said.promised)
    minima = [one for one in said.minima if one.binding]
    if ending and says and minima and not said.held_by and not any(one.strict for one in minima):
        return "anonymised"
    return "unchanged"


def contents(table: DeclaredTable) -> dict[Key, tuple[Any, ...]]:
    """Every row of a table by its key, with all that it holds."""
    rows = table.home.database.rows(sa.select(table.sql))
    columns = list(table.sql.c.keys())
    keys = [columns.index(name) for name in table.table.key]
    return {tuple(_plain(row[key]) for key in keys): tuple(map(_comparable, row)) for row in rows}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _comparable(value: Any) -> Any:
    return repr(value) if isinstance(value, dict | list) else value


@dataclass(frozen=True)
class Differences:
    """How far what is there is from what had to be left: texts without keys, and what was seen of each fate."""

    wrong: tuple[str, ...]
    seen: Counter[Fate]


def compare(
    judged: Mapping[Place, Mapping[Key, Judged]],
    before: Mapping[Place, Mapping[Key, tuple[Any, ...]]],
    after: Mapping[Place, Mapping[Key, tuple[Any, ...]]],
) -> Differences:
    """Each row of each table once: gone, changed or unchanged, as its verdict has it."""
    wrong: Counter[str] = Counter()
    seen: Counter[Fate] = Counter()
    for place, rows in judged.items():
        assert set(rows) == set(before[place]), place
        for key, one in rows.items():
            now = after[place].get(key)
            found: Fate = "gone" if now is None else "unchanged" if now == before[place][key] else "anonymised"
            seen[one.fate] += 1
            if found != one.fate:
                why = one.verdict.decided_by
                wrong[f"{place[2]} ({place[1] or 'shared'}): {found}, not {one.fate} ({why.why}, {why.rule})"] += 1
        extra = set(after[place]) - set(rows)
        if extra:
            wrong[f"{place[2]}: rows that were not there"] += len(extra)
    return Differences(tuple(f"{count} {text}" for text, count in wrong.items()), seen)
