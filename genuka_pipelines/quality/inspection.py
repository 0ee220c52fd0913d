"""Observes one category and writes what was seen into the ledger: counts and dates, never a value."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Observation as Entry
from genuka_pipelines.quality.surroundings import Surroundings


@dataclass(frozen=True)
class Inspection:
    """What was seen of a category. None is unknown, which is not zero."""

    category: str
    as_of: datetime
    rows: Mapping[str, int | None] = field(default_factory=dict)
    due: Mapping[str, int | None] = field(default_factory=dict)
    undated: Mapping[str, int | None] = field(default_factory=dict)
    oldest: date | None = None
    undeclared: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def total(self) -> int | None:
        """All rows, or None where some are unknown."""
        known = [number for number in self.rows.values() if number is not None]
        return sum(known) if len(known) == len(self.rows) else None

    @property
    def digest(self) -> str:
        """The same for the same counts: the data version of the observation."""
        return hashlib.sha256(repr((sorted(self.rows.items()), self.oldest)).encode()).hexdigest()[:16]


def inspect_category(
    house: Surroundings,
    key: str,
    *,
    as_of: datetime,
    now: datetime,
    runs: Callable[[], int] | None = None,
) -> Inspection:
    """Look at everything that a category holds, in its tables and its stores.

    `runs` counts the run history, which only Dagster knows.
    """
    category = house.catalog.categories[key]
    found = _tables(house, key, as_of) if category.tables else Inspection(key, as_of)
    objects = {f"{o.system}:{o.prefix}": _objects(house, o.system, o.prefix, runs) for o in category.objects}
    unseen = [name for name, number in objects.items() if number is None]
    found = replace(found, rows={**found.rows, **objects}, unknown=(*found.unknown, *unseen))
    house.control.ledger.append(_entry(found), as_of=as_of, now=now)
    return found


def _tables(house: Surroundings, key: str, as_of: datetime) -> Inspection:
    from genuka_pipelines.rows.observe import observe

    category = house.catalog.categories[key]
    seen = observe(house.catalog, key, house.databases(category.system), as_of)
    return Inspection(key, as_of, seen.rows, seen.due, seen.undated, seen.oldest, seen.undeclared, seen.unknown)


def _objects(house: Surroundings, system: str, prefix: str, runs: Callable[[], int] | None) -> int | None:
    if house.catalog.systems[system].kind == "run_storage":
        return runs() if runs else None
    try:
        return house.objects(system, prefix)
    except GenukaError:
        return None


def _entry(found: Inspection) -> Entry:
    return Entry(
        category=found.category,
        rows={_name(table): number for table, number in found.rows.items()},
        due=dict(found.due),
        oldest=found.oldest,
    )


def _name(table: str) -> str:
    return table.rstrip(":/").replace(":", "_").replace("/", "_")
