"""Makes the releases that are not there yet, from freshly staged rows, then publishes: what a terminal asks for.

One table that is over its budget, or whose rows cannot be staged, does not keep the others from analysts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.analytics.publishing.completeness import due
from genuka_pipelines.analytics.publishing.declared import declared_tables
from genuka_pipelines.analytics.publishing.errata import errata_in, withdrawn
from genuka_pipelines.analytics.publishing.publish import Published, publish
from genuka_pipelines.analytics.publishing.surroundings import Publishing
from genuka_pipelines.analytics.releases.calendar import last_complete, periods, span
from genuka_pipelines.analytics.releases.release import FOLDER, STORE, slot_folder, slots_in
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from genuka_pipelines.analytics.releases.release import Release


class Refreshing(Publishing, House, Protocol):
    """The opened house, as far as a refresh looks: here the databases too, to stage from."""


@dataclass(frozen=True, order=True)
class Wanted:
    """A release that is to be there: a table and a period."""

    table: str
    period: str


@dataclass(frozen=True)
class Refreshed:
    """What is there now: releases made or found, those that could not be made and why, and what is published."""

    releases: tuple[Release, ...]
    refused: tuple[tuple[Wanted, GenukaError], ...]
    published: Published


def wanted(house: Publishing, tables: Sequence[str], *, everything: bool, now: datetime) -> list[Wanted]:
    """What should be there now: of each table its last complete period and every gap since its first release.

    With `everything`, each period since any table begins. A period that an earlier definition told is not told again.
    """
    store, catalog = house.store(STORE), house.catalog
    errata, declared = errata_in(store), declared_tables(catalog)
    found = []
    for name in tables:
        table = catalog.published[name]
        slots = slots_in(store, slot_folder(name))
        released = {slot.period for slot in slots}
        again = {slot.period for slot in slots if slot.spec == declared[name].spec}
        last = last_complete(table.period.every, table.settles, now)
        listed: Sequence[str] = due(table, released, now)
        if everything and catalog.privacy is not None:
            listed = list(periods(table.period.every, catalog.privacy.begins, span(last)[0]))
        else:
            again &= {last}
        found += [
            Wanted(name, one)
            for one in listed
            if (one not in released or one in again) and not withdrawn(errata, name, one)
        ]
    return found


def refresh(
    house: Refreshing,
    asked: Sequence[Wanted],
    *,
    now: datetime,
    engine: str = "duckdb",
    told: Callable[[str], None] | None = None,
) -> Refreshed:
    """Make these releases and publish; `told` hears a line for each step.

    What keeps a single release from being made is returned, what keeps all from being published is raised.
    """
    from genuka_pipelines.analytics.releases.once import release_once

    made: list[Release] = []
    refused: list[tuple[Wanted, GenukaError]] = []
    unstaged = _stage(house, asked, now, told)
    for one in asked:
        try:
            if error := unstaged.get(_source(house, one)):
                raise error
            made.append(release_once(house, one.table, one.period, now=now, engine=engine))
        except GenukaError as error:
            refused.append((one, error))
        if told:
            told(f"{one.table} {one.period}")
    return Refreshed(tuple(made), tuple(refused), publish(house, now=now))


def _stage(
    house: Refreshing, asked: Sequence[Wanted], now: datetime, told: Callable[[str], None] | None
) -> dict[tuple[str, str], GenukaError]:
    """Stage what the releases are made of, each table once; what could not be."""
    from genuka_pipelines.analytics.staging.staged import stage_table

    store, failed = house.store(STORE), {}
    there = {(slot.table, slot.period, slot.spec) for slot in slots_in(store, f"{FOLDER}/")}
    specs = {name: one.spec for name, one in declared_tables(house.catalog).items()}
    lacking = [one for one in asked if (one.table, one.period, specs[one.table]) not in there]
    for category, table in dict.fromkeys(_source(house, one) for one in lacking):
        if told:
            told(f"staging/{category.split('/')[0]}/{table}")
        try:
            stage_table(house, category, table, as_of=now, now=now)
        except GenukaError as error:
            failed[category, table] = error
    return failed


def _source(house: Publishing, one: Wanted) -> tuple[str, str]:
    table = house.catalog.published[one.table]
    return table.category, table.table
