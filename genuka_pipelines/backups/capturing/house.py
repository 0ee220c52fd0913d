"""The databases of a plan, in the order in which manifests number them; and who cannot be captured without which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.capturing.place import Place
from genuka_pipelines.catalog.errors import GenukaError

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable


@dataclass(eq=False)
class Scope:
    """Every database of a night, the tenants of the registers, and what could not be opened.

    `lost` are systems whose shared database cannot be read: by it everyone of the system fails. `alone` are
    tenants whose own database cannot be.
    """

    places: list[Place] = field(default_factory=list)
    tenants: set[str] = field(default_factory=set)
    lost: dict[str, GenukaError] = field(default_factory=dict)
    alone: dict[str, GenukaError] = field(default_factory=dict)
    with_tenants: frozenset[str] = frozenset()

    def of(self, tenant: str | None) -> list[Place]:
        """The places of an owner, in the order of their numbers; the platform has all that are shared."""
        mine = (
            place
            for place in self.places
            if (place.tenant is None if tenant is None else place.tenants or place.tenant == tenant)
        )
        return sorted(mine, key=lambda place: place.number)

    def fail(self, place: Place, error: GenukaError) -> None:
        """A database could not be read to its end."""
        if place.tenant is None:
            self.lost[place.system] = error
        else:
            self.alone[place.tenant] = error

    def failed(self, tenant: str | None) -> GenukaError | None:
        """Why an owner cannot be captured; None where it can."""
        for system, error in self.lost.items():
            if tenant is None or system in self.with_tenants:
                return error
        return None if tenant is None else self.alone.get(tenant)


def scope_of(house: Backupable, systems: Sequence[str], now: datetime) -> Scope:
    """Look at every database of the systems."""
    declared = house.catalog.systems
    # Those with tenants first, so that a tenant's places are numbered without a gap.
    ordered = sorted(systems, key=lambda system: declared[system].tenants is None)
    with_tenants = [system for system in ordered if declared[system].tenants is not None]
    found = Scope(with_tenants=frozenset(with_tenants))
    owned: dict[str, int] = {}
    for number, system in enumerate(ordered):
        databases = house.databases(system)
        try:
            homes = databases.homes(house.catalog, now)
        except GenukaError as error:
            found.lost[system] = error
            continue
        found.places.append(Place(number, system, None, homes.shared))
        found.tenants |= set(homes.tenants)
        found.alone |= homes.unknown
        for tenant in sorted({*homes.dedicated, *homes.unknown}):
            owned[tenant] = owned.get(tenant, -1) + 1
            if tenant in homes.dedicated:
                found.places.append(Place(len(with_tenants) + owned[tenant], system, tenant, homes.dedicated[tenant]))
    return found
