"""Whether anything may be destroyed here at all: switched on by a person, or nothing here is anyone's.

A sweep for a day to come destroys what is still promised; so time travels only where every database,
tenants' own too, was filled by a seeding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control.switches import RETENTION_SWEEP
from genuka_pipelines.retention.errors import InTheFuture, NotSwitchedOn
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.rows.synthetic import is_synthetic

_SLACK = timedelta(minutes=5)


def refuse_unless_allowed(house: Sweepable, as_of: datetime, now: datetime) -> None:
    """InTheFuture, or NotSwitchedOn, whatever part of the house is to be swept."""
    if as_of > now + _SLACK:
        for system in _real(house, as_of, every=True):
            raise InTheFuture(as_of, system)
    if not house.control.switches.on(RETENTION_SWEEP):
        for _ in _real(house, as_of, every=False):
            raise NotSwitchedOn


def database_systems(catalog: Catalog, categories: Collection[str]) -> Iterator[tuple[str, set[str]]]:
    """Each database system with those of the categories that have tables there, in the order of the facts."""
    for system, declared in catalog.systems.items():
        there = {key for key, _, _ in catalog.tables(system)} & set(categories)
        if declared.kind == "database" and there:
            yield system, there


def _real(house: Sweepable, as_of: datetime, *, every: bool) -> Iterator[str]:
    """The systems that hold, or may hold, more than a seeding put there; with `every`, tenants' own databases too."""
    seen = False
    for system, _ in database_systems(house.catalog, house.catalog.categories):
        if house.catalog.systems[system].is_control:
            continue
        seen = True
        try:
            synthetic = _synthetic(house, system, as_of, every=every)
        except GenukaError:
            # What nobody could look at is not taken for synthetic.
            synthetic = False
        if not synthetic:
            yield system
    if not seen:
        yield "a house without a database"


def _synthetic(house: Sweepable, system: str, as_of: datetime, *, every: bool) -> bool:
    databases = house.databases(system)
    databases.shared.refresh()
    if not is_synthetic(databases.shared):
        return False
    homes = databases.homes(house.catalog, as_of) if every else None
    return homes is None or not (
        homes.unknown or not all(is_synthetic(home.database) for home in homes.dedicated.values())
    )
