"""What an erasure leaves, and until when: what the law keeps, and the last copy in a backup.

"Your data are deleted" is untrue while an invoice stays for ten years and a backup for one; the answer says both.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.calendar import LONGEST
from genuka_pipelines.catalog.persons import systems_of
from genuka_pipelines.requests.finding import tables_of_people
from genuka_pipelines.requests.person import spot_of
from genuka_pipelines.requests.selecting import ours
from genuka_pipelines.rows.above import law_at_or_above
from genuka_pipelines.rows.explaining import explain
from genuka_pipelines.rows.fate import fates
from genuka_pipelines.rows.path import any_of, never
from genuka_pipelines.rows.where import keys_where

if TYPE_CHECKING:
    from genuka_pipelines.requests.person import Person
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.house import House
    from genuka_pipelines.rows.selection import Selection

_EXPLAINED = 100
"""Rows of a table whose own end is worked out; of more, the last end among these is told as *at least*."""


@dataclass(frozen=True)
class Kept:
    """Rows of a table that the law keeps: by which, and until when the last of them; None where no end can be told."""

    category: str
    table: str
    rows: int
    basis: tuple[str, ...]
    clauses: tuple[str, ...]
    until: date | None


def kept_by_law(house: House, person: Person, *, as_of: datetime) -> tuple[Kept, ...]:
    """What the law keeps of a person, table by table, as the engine's own predicate says."""
    selections = {system: ours(person, house.catalog, system) for system in systems_of(house.catalog)}
    return tuple(
        found
        for table in tables_of_people(house, as_of)
        if (found := _kept(house, selections[spot_of(table).system], table, as_of)) is not None
    )


def last_copies(house: House, erased_at: datetime) -> Mapping[str, date]:
    """By country of a region of backups: the last day on which a copy made before an erasure can still be there."""
    systems = [system for plan in house.catalog.backups.values() for system in plan.regions.values()]
    countries = sorted({house.catalog.systems[system].place.country for system in systems})
    return dict.fromkeys(countries, (erased_at + LONGEST).date())


def _kept(house: House, selection: Selection, table: DeclaredTable, as_of: datetime) -> Kept | None:
    declared = table.home.declared[table.name]
    if not law_at_or_above(table.home, table.name):
        return None
    found = fates(selection, table, as_of=as_of)
    law = any_of(fate.due & fate.by_law for fate in found if not never(fate.by_law))
    keys = keys_where(table, law)
    if not keys:
        return None
    ends = _ends(house, declared.category.system, table, keys[:_EXPLAINED], as_of)
    rules = declared.category.rules_of(table.name)
    return Kept(
        declared.key,
        table.name,
        len(keys),
        tuple(dict.fromkeys(rule.law.basis for rule in rules if rule.law)),
        tuple(dict.fromkeys(rule.clause for rule in rules if rule.law)),
        max((end.date() for end in ends if end), default=None),
    )


def _ends(
    house: House, system: str, table: DeclaredTable, keys: list[tuple[str, ...]], as_of: datetime
) -> Iterator[datetime | None]:
    for key in keys:
        for row in explain(house, system, table.name, _spelled(key), as_of).found:
            yield from (minimum.end for minimum in row.verdict.minima)


def _spelled(key: tuple[str, ...]) -> str:
    if len(key) == 1:
        return key[0]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(key)
    return line.getvalue()
