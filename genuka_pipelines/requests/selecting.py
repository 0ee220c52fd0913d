"""Which of a person's rows a request acts on: Genuka's own; those of a tenant are routed to it.

Under the GDPR the controller answers (article 12), and a processor passes on (article 28(3)(e)). The category says
which of the two Genuka is, so that no reading of a message decides it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.persons import kinds_of
from genuka_pipelines.requests.finding import tables_of_people
from genuka_pipelines.requests.person import Key, Person, Spot
from genuka_pipelines.rows.path import never, tenant_of
from genuka_pipelines.rows.selection import AnyOf, OfPerson, Rows, Selection
from genuka_pipelines.rows.where import keys_where, where
from genuka_pipelines.systems.column_types import Query

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.house import House


def ours(person: Person, catalog: Catalog, system: str) -> Selection:
    """A person's rows in a system for which Genuka answers."""
    kinds = kinds_of(catalog)
    keys = {kind: tuple(sorted(found)) for kind, found in person.keys.items() if kind in kinds and kinds[kind].ours}
    return AnyOf((OfPerson(keys), *_by_value(person, catalog, system, "controller")))


def mentioned(person: Person, catalog: Catalog) -> Mapping[tuple[Spot, str], frozenset[Key]]:
    """The texts that mention a person and for which Genuka answers; a tenant's own are passed on with the request."""
    return {
        (spot, column): keys
        for (spot, column), keys in person.mentions.items()
        if catalog.categories[spot.category].role == "controller"
    }


def tenants(person: Person, catalog: Catalog, system: str) -> Selection:
    """A person's rows in a system that are in the hands of tenants."""
    kinds = kinds_of(catalog)
    keys = {kind: tuple(sorted(found)) for kind, found in person.keys.items() if kind in kinds and not kinds[kind].ours}
    return AnyOf((OfPerson(keys), *_by_value(person, catalog, system, "processor")))


def routed(house: House, person: Person, *, as_of: datetime) -> Mapping[str, int]:
    """How many rows about the person each tenant has, as the controller to whom the request is passed on."""
    found: dict[str, int] = defaultdict(int)
    for table in tables_of_people(house, as_of):
        home = table.home.declared[table.name].category
        if home.role != "processor":
            continue
        wanted = where(tenants(person, house.catalog, home.system), table)
        if never(wanted):
            continue
        theirs = tenant_of(table).label("tenant")
        query: Query = sa.select(theirs, sa.func.count()).select_from(table.sql).where(wanted).group_by(theirs)
        for tenant, number in table.home.database.rows(query):
            if tenant is not None:
                found[str(tenant)] += int(number)
    return dict(sorted(found.items()))


def keys_in(table: DeclaredTable, selection: Selection) -> list[Key]:
    """The keys, as text, of the rows of a table that a selection asks for, in their order."""
    return sorted(keys_where(table, where(selection, table)))


def _by_value(person: Person, catalog: Catalog, system: str, role: str) -> Iterable[Rows]:
    return [
        Rows(spot.table, keys)
        for spot, keys in sorted(person.rows.items(), key=lambda one: one[0].table)
        if spot.system == system and catalog.categories[spot.category].role == role
    ]
