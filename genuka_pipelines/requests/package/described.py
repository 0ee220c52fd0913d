"""A package as a value: everything in it but the rows, so that the page and the data say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.requests.package.choosing import Choice, Chosen, PackageKind
from genuka_pipelines.requests.package.facts import Besides, Told, besides, how_long, told
from genuka_pipelines.systems.column_types import Query, as_text

if TYPE_CHECKING:
    from genuka_pipelines.catalog.value import Language, Words
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.rows.house import House


@dataclass(frozen=True)
class Package:
    """What is told. `tenants` are (id, name, rows); `language` is the one that the page opens in."""

    kind: PackageKind
    request: str
    as_of: datetime
    made_at: datetime
    language: Language
    controller: str
    searched: tuple[str, ...] = field(repr=False)
    choice: Choice
    told: Mapping[str, Told]
    how_long: Mapping[Chosen, tuple[Words, ...]]
    tenants: tuple[tuple[str, str | None, int], ...] = field(repr=False)
    systems: Mapping[str, tuple[Words, str]]
    besides: tuple[Besides, ...] = ()


def described(
    house: House, choice: Choice, request: str, whom: Sought, *, as_of: datetime, now: datetime, language: Language
) -> Package:
    """The description of what was chosen."""
    catalog = house.catalog
    names = _names(house, choice)
    return Package(
        kind=choice.kind,
        request=request,
        as_of=as_of,
        made_at=now,
        language=language,
        controller=next((one.legal_name for one in catalog.processors.values() if one.role == "own"), "Genuka"),
        searched=(*sorted(whom.emails), *sorted(whom.phones)),
        choice=choice,
        told={key: told(catalog, key, choice.of(key)) for key in choice.categories},
        how_long={one: how_long(catalog, one) for one in choice.chosen},
        tenants=tuple((tenant, names.get(tenant), rows) for tenant, rows in choice.tenants.items()),
        besides=besides(catalog) if choice.kind == "access" else (),
        systems={name: (system.title, system.place.country) for name, system in catalog.systems.items()},
    )


def _names(house: House, choice: Choice) -> Mapping[str, str]:
    """How the tenants are called, by the first column of theirs that holds an organisation's name."""
    found: dict[str, str] = {}
    for name, system in house.catalog.systems.items():
        known = system.tenants
        declared = house.catalog.table(name, known.table) if known else None
        if known is None or declared is None or not choice.tenants:
            continue
        called = next((one for one, column in declared.columns.items()
                       if column.holds == "user.contact.organization"), None)  # fmt: skip
        if called is not None:
            table = house.databases(name).home(house.catalog).table(known.table)
            key = as_text(table.column(known.key))
            query: Query = sa.select(key, as_text(table.column(called))).where(key.in_(sorted(choice.tenants)))
            found |= {str(tenant): str(said) for tenant, said in table.home.database.rows(query) if said}
    return found
