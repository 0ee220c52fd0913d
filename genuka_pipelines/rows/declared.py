"""A declared table as it stands in one database, with the others of its system within reach.

A predicate needs both what the catalogue says of a table and what the database really has; kept
apart, a column that is only declared would be read as empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.processor import Tenants
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.systems.column_types import Kind, kind_of
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import MissingColumn


@dataclass(frozen=True)
class Declaration:
    """A table's category, under its key `<product>/<category>`."""

    key: str
    category: Category


def declarations(catalog: Catalog, system: str) -> Mapping[str, Declaration]:
    """Every declared table of a system, by name."""
    return {name: Declaration(key, catalog.categories[key]) for key, name, _ in catalog.tables(system)}


@dataclass(frozen=True, eq=False)
class Home:
    """One database of a system. `tenant` is set where it is that tenant's own; `shared` is then the other."""

    database: Database
    declared: Mapping[str, Declaration]
    tenants: Tenants | None = None
    tenant: str | None = None
    shared: Home | None = None

    @property
    def registers(self) -> tuple[str, ...]:
        """The tables that say who the tenants are; only those of the shared database count."""
        known = self.tenants
        return tuple(name for name in (known.table, known.registry, known.consents) if name) if known else ()

    def has(self, table: str) -> bool:
        """Whether the table is in this database."""
        return table in self.database.tables()

    def table(self, name: str) -> DeclaredTable:
        """A declared table; MissingTable where the database lacks it."""
        found = self.declared[name]
        return DeclaredTable(self, name, found.category, self.database.table(name))


@dataclass(frozen=True, eq=False)
class DeclaredTable:
    """`sql` is the table in queries: itself, or an alias of it inside another's query."""

    home: Home
    name: str
    category: Category
    sql: sa.FromClause = field(repr=False)

    @property
    def table(self) -> Table:
        """The declaration."""
        return self.category.tables[self.name]

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """A column as the database has it; MissingColumn where it does not."""
        if name not in self.sql.c:
            database = self.home.database
            raise MissingColumn(
                f"table '{self.name}' of {database.name} ({database.place}) has no column '{name}'; "
                "create it or do not declare it"
            )
        return self.sql.c[name]

    def kind(self, name: str) -> Kind:
        """What kind of values a column holds."""
        return kind_of(self.column(name))

    def aliased(self) -> DeclaredTable:
        """The same table under another name, for use inside a query on any table."""
        return replace(self, sql=self.home.database.table(self.name).alias())


def kept_with(declared: Mapping[str, Declaration], name: str) -> Iterator[str]:
    """A table, the parent it is kept with, that one's parent, and so on."""
    seen: list[str] = []
    following: str | None = name
    while following and following in declared and following not in seen:
        seen.append(following)
        yield following
        following = declared[following].category.tables[following].kept_with
