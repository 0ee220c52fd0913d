"""Compares what is declared with what the databases have, by name.

A column that nobody declared is personal data that nobody deletes, exports or protects.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.databases import expected_in_dedicated

if TYPE_CHECKING:
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.quality.surroundings import Surroundings
    from genuka_pipelines.rows.databases import Homes
    from genuka_pipelines.rows.declared import Home


class Unlooked(GenukaError):
    """A database could not be looked at, so what nobody declared in it is unknown."""


@dataclass(frozen=True)
class Differences:
    """Of one category: declared and not there, there and not declared, and what could not be looked at."""

    missing: tuple[str, ...]
    undeclared: tuple[str, ...]
    unknown: tuple[str, ...]


def differences(homes: Homes, category: Category) -> Differences:
    """Tables and columns, as `table` or `table.column`, over the shared and every dedicated database."""
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


def undeclared_tables(homes: Homes, besides: Collection[str]) -> dict[str, str | None]:
    """Tables that no category declares, each with the category whose tables are named nearest.

    `besides` are the system's tables of tools, which hold nothing of anyone.
    """
    near = {name: declaration.key for name, declaration in homes.shared.declared.items()}
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
        homes = house.databases(system).homes(house.catalog, as_of)
        for table in undeclared_tables(homes, declared.besides):
            yield f"{system}.{table}"
        for key in sorted(keys):
            found = differences(homes, house.catalog.categories[key])
            if found.unknown:
                raise Unlooked(found.unknown[0])
            for column in found.undeclared:
                yield f"{system}.{column}"


def _homes_of(homes: Homes, table: str) -> Iterator[Home]:
    """The homes that should have a table, or have it all the same."""
    yield homes.shared
    expected = expected_in_dedicated(homes.shared, table)
    for home in homes.dedicated.values():
        if expected or home.has(table):
            yield home
