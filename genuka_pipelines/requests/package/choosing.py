"""Which rows a package gives: all that an erasure would touch and Genuka answers for, in every database.

The predicate is the engine's own, so that nobody is shown less than would be erased. Rows of a tenant are named, with
the tenant, and not given: a processor does not answer for the controller (GDPR articles 15 and 28).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from genuka_pipelines.requests.finding import tables_of_people
from genuka_pipelines.requests.package.withholding import Names, names_in, secrets_in
from genuka_pipelines.requests.person import spot_of
from genuka_pipelines.requests.selecting import ours
from genuka_pipelines.rows.fate import fates
from genuka_pipelines.rows.path import Predicate, any_of, never
from genuka_pipelines.systems.column_types import Query, as_text, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.catalog.category import Category
    from genuka_pipelines.requests.person import Person, Spot
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.house import House

PackageKind = Literal["access", "portability"]
_PORTABLE_SOURCES = ("given", "given_and_recorded")
_PORTABLE_BASES = ("consent", "contract")


@dataclass(frozen=True, eq=False)
class Chosen:
    """Rows of one table of one database. `given` are the columns that are read."""

    spot: Spot
    table: DeclaredTable
    mine: Predicate = field(repr=False)
    rows: int
    given: tuple[str, ...]
    secret: tuple[str, ...]
    names: Names = field(repr=False)

    def query(self, limit: int | None = None) -> Query:
        """The rows, in the order of their keys."""
        key = [as_text(self.table.column(name)) for name in self.table.table.key]
        asked = [self.table.column(name) for name in self.given] or [sa.literal_column("1").label("row")]
        query: Query = sa.select(*asked).select_from(self.table.sql).where(self.mine).order_by(*key)
        return query if limit is None else query.limit(limit)

    def kind(self, column: str) -> str:
        """What kind of values a column holds."""
        return kind_of(self.table.column(column))


@dataclass(frozen=True)
class Choice:
    """All that is given; and what is only told of: rows by tenant, and by place the texts about others of our own."""

    kind: PackageKind
    chosen: tuple[Chosen, ...]
    tenants: Mapping[str, int]
    mentions: Mapping[Spot, Mapping[str, int]]

    @property
    def rows(self) -> int:
        """How many rows are given."""
        return sum(one.rows for one in self.chosen)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell either."""
        return not (self.rows or self.mentions)

    @property
    def categories(self) -> tuple[str, ...]:
        """Their categories, in order."""
        return tuple(sorted({one.spot.category for one in self.chosen}))

    def of(self, category: str) -> tuple[Chosen, ...]:
        """What is given of one category."""
        found = (one for one in self.chosen if one.spot.category == category)
        return tuple(sorted(found, key=lambda one: (one.spot.table, one.spot.database or "")))


def choose(house: House, kind: PackageKind, person: Person, routed: Mapping[str, int], *, as_of: datetime) -> Choice:
    """Count what is to be given; `routed` are rows by tenant that answers. NotAnswerable for a closed database."""
    found = (_chosen(house, kind, person, table, as_of) for table in tables_of_people(house, as_of))
    mentions: dict[Spot, dict[str, int]] = {}
    for (spot, column), keys in person.mentions.items():
        if kind == "access" and house.catalog.categories[spot.category].role == "controller":
            mentions.setdefault(spot, {})[column] = len(keys)
    return Choice(kind, tuple(one for one in found if one), routed, mentions)


def portable(category: Category) -> bool:
    """Whether article 20 covers a category: given by the person, and used on consent or by contract."""
    return category.source in _PORTABLE_SOURCES and any(one in category.legal_basis for one in _PORTABLE_BASES)


def _chosen(house: House, kind: PackageKind, person: Person, table: DeclaredTable, as_of: datetime) -> Chosen | None:
    spot, category = spot_of(table), table.category
    if category.role != "controller" or (kind == "portability" and not portable(category)):
        return None
    touched = [one.due for one in fates(ours(person, house.catalog, spot.system), table, as_of=as_of)]
    mine = any_of(touched)
    if all(map(never, touched)):
        return None
    counted: Query = sa.select(sa.func.count()).select_from(table.sql).where(mine)
    rows = int(table.home.database.scalar(counted))
    if not rows:
        return None
    secret = secrets_in(table.table)
    there = [name for name in table.table.columns if name in table.sql.c]
    names = names_in(house.catalog, spot.system, table.table, person)
    given = tuple(name for name in there if name not in secret)
    return Chosen(spot, table, mine, rows, given, tuple(name for name in there if name in secret), names)
