"""What of a tenant goes into its archive: every declared table that leads to it, in each database that has its rows.

A table that nobody declared may be the tenant's, or hold a secret; either way an archive without a decision about
it would be wrong, so there is none until somebody declares it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.links.endings import keys_of
from genuka_pipelines.exports.errors import NotDescribed, NotOneTenant, UnknownTenant
from genuka_pipelines.exports.exclusions import Exclusion, is_secret, left_out_whole
from genuka_pipelines.rows.selection import OfTenant
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import Query

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.table import Table
    from genuka_pipelines.exports.house import Exporting
    from genuka_pipelines.rows.declared import Home
    from genuka_pipelines.rows.path import Predicate


@dataclass(frozen=True, eq=False)
class Source:
    """A database with rows of the tenant; all of them are its where the database is its own."""

    system: str
    home: Home
    tenant: str = field(repr=False)

    @property
    def own(self) -> bool:
        """Whether the whole database is the tenant's."""
        return self.home.tenant is not None

    def mine(self, table: str) -> Predicate | None:
        """Which rows of a table are the tenant's; None for all."""
        return None if self.own else where(OfTenant(self.tenant), self.home.table(table))


@dataclass(frozen=True, eq=False)
class ChosenTable:
    """A table of the archive: what is kept of its columns, and the databases that have rows of it."""

    name: str
    category: str
    declared: Table = field(repr=False)
    columns: tuple[str, ...]
    sources: tuple[Source, ...] = field(repr=False)

    @property
    def first(self) -> Source:
        """Whose definition makes the table."""
        return self.sources[0]


@dataclass(frozen=True, eq=False)
class Choice:
    """All of an archive's tables by name, in order of names, their databases, and what is left out.

    `elsewhere` are the databases of other tenants, whose rows may name the same files.
    """

    tenant: str = field(repr=False)
    sources: tuple[Source, ...]
    elsewhere: tuple[Home, ...] = field(repr=False)
    tables: Mapping[str, ChosenTable]
    exclusions: tuple[Exclusion, ...]


def choose(house: Exporting, tenant: str, as_of: datetime) -> Choice:
    """What there is of a tenant now.

    UnknownTenant, NotDescribed, NotOneTenant, MissingTable, or why a database cannot be opened.
    """
    sources, elsewhere = _sources(house, tenant, as_of)
    if not sources:
        raise UnknownTenant("no register knows that tenant; `genuka catalog` says which tables are the registers")
    products = {source.home.database.dialect.name for source in sources}
    if len(products) > 1:
        raise NotDescribed("a tenant's databases are of several kinds (PostgreSQL and MySQL), which no archive can be")
    wanted: dict[str, list[Source]] = {}
    left_out: set[Exclusion] = set()
    for source in sources:
        for name in _tables(house.catalog, source):
            declared = source.home.declared[name]
            reason = left_out_whole(declared.category, declared.category.tables[name])
            if reason is None:
                wanted.setdefault(name, []).append(source)
            else:
                left_out.add(Exclusion(name, "", reason))
    tables = {}
    for name in sorted(wanted):
        tables[name] = _chosen(name, wanted[name])
        left_out |= {Exclusion(name, column, "secret") for column in _secrets(tables[name].declared)}
    return Choice(tenant, tuple(sources), tuple(elsewhere), tables, tuple(sorted(left_out)))


def _sources(house: Exporting, tenant: str, as_of: datetime) -> tuple[list[Source], list[Home]]:
    """The tenant's databases, its own first, whose definitions count; and those of others."""
    found: list[Source] = []
    elsewhere: list[Home] = []
    for system, declared in house.catalog.systems.items():
        if declared.kind != "database" or declared.tenants is None:
            continue
        homes = house.databases(system).homes(house.catalog, as_of)
        if tenant in homes.unknown:
            raise homes.unknown[tenant]
        if homes.shared.database.dialect.name == "mysql" and _alike(tenant, homes.tenants):
            raise NotOneTenant(
                f"the registers of {homes.shared.database.name} have another tenant whose key differs in case, accents "
                "or spaces alone, which MySQL takes for the same: give one of them another key"
            )
        if tenant in homes.dedicated:
            found.append(Source(system, homes.dedicated[tenant], tenant))
        if tenant in homes.tenants:
            found.append(Source(system, homes.shared, tenant))
        elsewhere += [home for other, home in homes.dedicated.items() if other != tenant]
    return found, elsewhere


def _alike(tenant: str, others: Iterable[str]) -> bool:
    """Whether a careless comparison would give the tenant another's rows."""
    return any(other != tenant and _folded(other) == _folded(tenant) for other in others)


def _folded(key: str) -> str:
    parts = unicodedata.normalize("NFKD", key.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one)).rstrip()


def _tables(catalog: Catalog, source: Source) -> Iterator[str]:
    """The declared tables with rows of the tenant; NotDescribed for what nobody can tell anything of."""
    home, there = source.home, source.home.database.tables()
    for name in there:
        if name in home.declared:
            lacking = [
                column for column in there[name] if column not in home.declared[name].category.tables[name].columns
            ]
            if lacking and (source.own or _leads(source, name)):
                raise NotDescribed(
                    f"column '{name}.{lacking[0]}' of {home.database.name} is declared nowhere: declare it"
                )
        elif name not in catalog.systems[source.system].besides and (source.own or _seems_theirs(source, name)):
            raise NotDescribed(
                f"table '{name}' of {home.database.name} may hold the tenant's rows and is declared nowhere: declare it"
            )
    for name, declared in home.declared.items():
        if source.own:
            if home.has(name):
                yield name
        elif declared.category.tables[name].tenant is not None:
            home.table(name)
            yield name
        elif declared.category.role == "processor":
            raise NotDescribed(
                f"table '{name}' of {home.database.name} is held for tenants, and nothing leads from its rows to "
                "them: declare its `tenant`"
            )


def _leads(source: Source, name: str) -> bool:
    return source.home.declared[name].category.tables[name].tenant is not None


def _seems_theirs(source: Source, name: str) -> bool:
    """Whether an undeclared table has a column that names a tenant, or a row of a tenant's table."""
    columns = source.home.database.tables()[name]
    paths = (one.category.tables[table].tenant for table, one in source.home.declared.items())
    named = {path.column for path in paths if path and path.column and not path.parent and not path.owners} - {"id"}
    for table in source.home.declared:
        if _leads(source, table):
            named |= set(keys_of(table))
    guarded = (link.parent for link in source.home.database.links() if link.child == name)
    return any(column in named for column in columns) or any(
        parent in source.home.declared and _leads(source, parent) for parent in guarded
    )


def _chosen(name: str, sources: list[Source]) -> ChosenTable:
    declaration = sources[0].home.declared[name]
    table = declaration.category.tables[name]
    secret = set(_secrets(table))
    columns = tuple(column for column in sources[0].home.database.tables()[name] if column not in secret)
    return ChosenTable(name, declaration.key, table, columns, tuple(sources))


def _secrets(table: Table) -> list[str]:
    return [name for name, column in table.columns.items() if is_secret(column)]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an archive would hold: rows by table, and what would be left out."""

    tables: Mapping[str, int]
    exclusions: tuple[Exclusion, ...]


def preview(house: Exporting, tenant: str, as_of: datetime) -> Preview:
    """Count what an export would read, and write nothing. Errors: see choose."""
    choice = choose(house, tenant, as_of)
    counts = {name: sum(_count(source, name) for source in table.sources) for name, table in choice.tables.items()}
    return Preview(counts, choice.exclusions)


def _count(source: Source, name: str) -> int:
    of, mine = source.home.database.table(name), source.mine(name)
    query: Query = sa.select(sa.literal_column("1")).select_from(of)
    return source.home.database.count(query if mine is None else query.where(mine))
