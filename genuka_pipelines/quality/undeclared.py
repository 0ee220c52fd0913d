"""Compares what is declared with what the databases have, by name.

A column that nobody declared is personal data that nobody deletes, exports or protects.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.databases import expected_in_dedicated

if TYPE_CHECKING:
    from genuka_pipelines.quality.surroundings import Surroundings
    from genuka_pipelines.rows.databases import Homes
    from genuka_pipelines.rows.declared import Home


@dataclass(frozen=True)
class Differences:
    """Of one category: declared and not there, there and not declared, and what could not be looked at."""

    missing: tuple[str, ...]
    undeclared: tuple[str, ...]
    unknown: tuple[str, ...]


def differences(house: Surroundings, key: str, as_of: datetime) -> Differences:
    """Tables and columns, as `table` or `table.column`, over the shared and every dedicated database."""
    category = house.catalog.categories[key]
    homes = _homes(house, category.system, as_of)
    missing: dict[str, None] = {}
    undeclared: dict[str, None] = {}
    for name, table in category.tables.items():
        for home in _homes_of(homes, name):
            there = home.database.tables().get(name)
            if there is None:
                missing[name] = None
                continue
            missing |= dict.fromkeys(f"{name}.{column}" for column in table.columns if column not in there)
            undeclared |= dict.fromkeys(f"{name}.{column}" for column in there if column not in table.columns)
    lost = any(expected_in_dedicated(homes.shared, name) for name in category.tables)
    unknown = tuple(str(error) for error in homes.unknown.values()) if lost else ()
    return Differences(tuple(missing), tuple(undeclared), unknown)


def undeclared_tables(house: Surroundings, system: str, as_of: datetime) -> dict[str, str | None]:
    """Tables of a system that no category declares, each with the category whose tables are named nearest."""
    homes = _homes(house, system, as_of)
    besides = house.catalog.systems[system].besides
    near = {name: key for key, name, _ in house.catalog.tables(system)}
    found: dict[str, str | None] = {}
    for home in (homes.shared, *homes.dedicated.values()):
        for name in home.database.tables():
            if name not in near and name not in besides:
                nearest = difflib.get_close_matches(name, near, 1, cutoff=0.0)
                found[name] = near[nearest[0]] if nearest else None
    return found


def undeclared_everywhere(house: Surroundings, as_of: datetime) -> Iterator[str]:
    """`system.table` and `system.table.column` of everything that is there and nobody declared.

    Raises the error of a system that cannot be looked at: what it holds is unknown.
    """
    for system, declared in house.catalog.systems.items():
        keys = {key for key, _, _ in house.catalog.tables(system)}
        if declared.kind != "database" or not keys:
            continue
        for table in undeclared_tables(house, system, as_of):
            yield f"{system}.{table}"
        for key in sorted(keys):
            found = differences(house, key, as_of)
            if found.unknown:
                raise Unlooked(found.unknown[0])
            for column in found.undeclared:
                yield f"{system}.{column}"


class Unlooked(GenukaError):
    """A database could not be looked at, so what nobody declared in it is unknown."""


def _homes(house: Surroundings, system: str, as_of: datetime) -> Homes:
    databases = house.databases(system)
    databases.shared.refresh()
    return databases.homes(house.catalog, as_of)


def _homes_of(homes: Homes, table: str) -> Iterator[Home]:
    """The homes that should have a table, or have it all the same."""
    yield homes.shared
    expected = expected_in_dedicated(homes.shared, table)
    for home in homes.dedicated.values():
        if expected or home.has(table):
            yield home
