"""The databases of one system: the shared one, and one for each tenant that has its own.

A capability that opened only the shared database would keep a promise to some tenants and look as if
it kept it to all; so they are always handed out together, and one that cannot be opened is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.processor import Tenants
from genuka_pipelines.rows.declared import DeclaredTable, Home, declarations
from genuka_pipelines.rows.path import Predicate
from genuka_pipelines.rows.selection import OfTenants
from genuka_pipelines.rows.tenants import Tenant, tenants_of
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable


@dataclass(frozen=True)
class Homes:
    """Where a system's rows are, by one look: the shared home, tenants' own, and why some cannot be opened.

    A question or an observation takes one and asks it about every table; another look costs a query
    for each database, and may see other tables and other tenants than the first.
    """

    shared: Home
    dedicated: Mapping[str, Home]
    unknown: Mapping[str, GenukaError]
    tenants: Mapping[str, Tenant]

    def within(self, table: str, *, opted_in: str | None) -> Iterator[tuple[DeclaredTable, Predicate | None]]:
        """A table in each database that holds rows of it, and the predicate within which they may be read.

        With `opted_in`, only rows of tenants that agreed to that purpose. Raises MissingTable, and the
        error of a database that could not be opened: what it holds is unknown.
        """
        agreed = None
        if opted_in is not None:
            agreed = frozenset(tenant.id for tenant in self.tenants.values() if opted_in in tenant.agreed)
            if not agreed:
                return
        found = self.shared.table(table)
        yield found, None if agreed is None else where(OfTenants(agreed), found)
        if not expected_in_dedicated(self.shared, table):
            return
        for tenant, error in self.unknown.items():
            if agreed is None or tenant in agreed:
                raise error
        for tenant, home in self.dedicated.items():
            if agreed is None or tenant in agreed:
                yield home.table(table), None


class Databases:
    """The opened databases of a system. `url_of` gives the address of a dedicated one by its reference."""

    def __init__(
        self,
        shared: Database,
        *,
        tenants: Tenants | None = None,
        url_of: Callable[[str], sa.URL] | None = None,
    ) -> None:
        self.name, self.shared, self.declared = shared.name, shared, tenants
        self._url_of = url_of
        self._opened: dict[str, Database] = {}

    def close(self) -> None:
        """Close what was opened, the shared database too."""
        for database in (self.shared, *self._opened.values()):
            database.close()

    def tenants(self, as_of: datetime) -> Mapping[str, Tenant]:
        """The tenants at a moment; none where the system declares none."""
        return tenants_of(self.declared, self.shared, as_of) if self.declared else {}

    def home(self, catalog: Catalog) -> Home:
        """The shared database alone, looked at now."""
        self.shared.refresh()
        return Home(self.shared, declarations(catalog, self.name), self.declared)

    def homes(self, catalog: Catalog, as_of: datetime) -> Homes:
        """Look at every database that holds rows of this system at a moment: one query each, and the registers."""
        shared = self.home(catalog)
        tenants = self.tenants(as_of)
        dedicated: dict[str, Home] = {}
        unknown: dict[str, GenukaError] = {}
        for tenant in tenants.values():
            if tenant.mode == "dedicated":
                try:
                    database = self.of(tenant)
                    database.refresh()
                    dedicated[tenant.id] = Home(database, shared.declared, self.declared, tenant.id, shared)
                except GenukaError as error:
                    unknown[tenant.id] = error
        return Homes(shared, dedicated, unknown, tenants)

    def of(self, tenant: Tenant) -> Database:
        """A tenant's own database, opened once. DatabaseUnreachable where the register gives no address."""
        if not tenant.ref or self._url_of is None:
            raise DatabaseUnreachable(
                f"a tenant of {self.name} has a database of its own, and the register gives no reference to "
                "its address; fill it in"
            )
        if tenant.ref not in self._opened:
            url = self._url_of(tenant.ref)
            name = f"{self.name}.{tenant.ref}"
            self._opened[tenant.ref] = Database(url, name=name, timeout=self.shared.timeout)
        return self._opened[tenant.ref]


def expected_in_dedicated(shared: Home, table: str) -> bool:
    """Whether a tenant's own database holds a table: its content, held on its behalf; not our registers."""
    category = shared.declared[table].category
    held = category.role == "processor" and category.tables[table].tenant is not None
    return held and table not in shared.registers


@contextmanager
def open_databases(
    url: sa.URL,
    *,
    name: str,
    tenants: Tenants | None = None,
    url_of: Callable[[str], sa.URL] | None = None,
    timeout: float | None = None,
) -> Iterator[Databases]:
    """The databases of a system, all closed at the end. `timeout` bounds each statement, in seconds."""
    databases = Databases(Database(url, name=name, timeout=timeout), tenants=tenants, url_of=url_of)
    try:
        yield databases
    finally:
        databases.close()
