"""Restored databases that nobody may use yet, as a house of their own that the one engine can work on.

The engine acts where the house it is given leads it. Led to a live database it would destroy there by what
an old copy says; so this house knows the restored databases alone, and reaches nothing that rows point at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from genuka_pipelines.control import Intent, Planned, merkle_root
from genuka_pipelines.rows.databases import Databases, Homes
from genuka_pipelines.rows.declared import Home, declarations

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.processor import Tenants
    from genuka_pipelines.control import Control, Entry, Lease
    from genuka_pipelines.control.bodies import Done
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.content import Failure
    from genuka_pipelines.rows.house import House
    from genuka_pipelines.systems.database import Database

MARK = "restoring/"
"""How a rule's name begins in the ledger where rows of a restored copy were destroyed, and none of a live one."""
_ABANDONED = timedelta(days=1)


class Quarantined(Databases):
    """The restored databases of one system. `own` maps a tenant to its own one."""

    def __init__(self, shared: Database, own: Mapping[str, Database], tenants: Tenants | None) -> None:
        super().__init__(shared, tenants=tenants)
        self.own = own

    def homes(self, catalog: Catalog, as_of: datetime) -> Homes:  # noqa: ARG002 - who is a tenant now does not matter
        """Every restored database, each with the declared tables that it has: an old backup may lack new ones."""
        shared = self._home(self.shared, catalog, None, None)
        own = {tenant: self._home(database, catalog, tenant, shared) for tenant, database in self.own.items()}
        return Homes(shared, own, {}, {})

    def _home(self, database: Database, catalog: Catalog, tenant: str | None, shared: Home | None) -> Home:
        there = database.tables()
        known = {name: found for name, found in declarations(catalog, self.name).items() if name in there}
        return Home(database, known, self.declared, tenant, shared)


class OneHome(Databases):
    """The same with rows of a single database within reach; the others may be asked."""

    def __init__(self, inside: Quarantined, tenant: str | None) -> None:
        super().__init__(inside.shared, tenants=inside.declared)
        self._inside, self._tenant = inside, tenant

    def homes(self, catalog: Catalog, as_of: datetime) -> Homes:
        """One of them."""
        homes = self._inside.homes(catalog, as_of)
        if self._tenant is None:
            return Homes(homes.shared, {}, {}, {})
        nothing = Home(homes.shared.database, {}, self.declared)
        return Homes(nothing, {self._tenant: homes.dedicated[self._tenant]}, {}, {})


@dataclass(frozen=True)
class RestoredHouse:
    """The house in which a restored copy is judged: real facts, keys, holds and ledger, and restored databases."""

    house: House
    systems: Mapping[str, Databases]
    target: str

    @property
    def catalog(self) -> Catalog:
        """The declared facts."""
        return self.house.catalog

    @property
    def keyring(self) -> Keyring:
        """The keys."""
        return self.house.keyring

    @property
    def control(self) -> Control:
        """The real one, where what is done here cannot be taken for what is done to live rows."""
        return cast("Control", _Control(self.house.control, self.target))

    def databases(self, system: str) -> Databases:
        """The restored databases of a system."""
        return self.systems[system]

    def only(self, system: str, tenant: str | None) -> RestoredHouse:
        """The same house with rows of one database within reach."""
        return RestoredHouse(self.house, {system: OneHome(self.restored(system), tenant)}, self.target)

    def restored(self, system: str) -> Quarantined:
        """The restored databases of a system, all within reach."""
        return cast("Quarantined", self.systems[system])


class _Control:
    """The control database with a ledger, leases and erasures of a restore."""

    def __init__(self, real: Control, target: str) -> None:
        self._real = real
        self.ledger = _Ledger(real)
        self.leases = _Leases(real, target)
        self.erasures = _NoErasures()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Ledger:
    """Intentions under names of their own, so that no sweep finishes them by a look at live rows."""

    def __init__(self, real: Control) -> None:
        self._real = real.ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def open_intents(self) -> tuple[Intent, ...]:
        """None: what a killed restore meant went with its quarantine."""
        return ()

    def intend(self, planned: Planned, *, as_of: datetime, now: datetime, sealed: bytes = b"") -> Intent:  # noqa: ARG002
        """The intention, marked; which rows it means need not be kept."""
        return self._real.intend(planned.model_copy(update={"rule": MARK + planned.rule}), as_of=as_of, now=now)

    def outcome(self, intent: Intent, **said: Any) -> Entry[Done]:
        """The outcome."""
        return self._real.outcome(intent, **said)


class _Leases:
    """The right to destroy in this one restore: sweeps of live rows neither wait for it nor keep it waiting."""

    def __init__(self, real: Control, target: str) -> None:
        self._real, self._target = real.leases, sha256(target.encode()).hexdigest()[:16]

    def hold(self, capability: str, shard: str, owner: str, ttl: timedelta) -> AbstractContextManager[Lease]:  # noqa: ARG002
        return self._real.hold("restoring", self._target, owner, ttl)


class _NoErasures:
    """What goes from a copy is listed already, or overdue by the copy itself: listed anew, it would count from now."""

    def record(self, entries: object) -> None:
        """Nothing is listed."""


class Untouched:
    """What rows of a copy point at belongs to the live rows: it is neither asked for nor destroyed."""

    def destroy(self, keys: Sequence[str]) -> dict[str, Failure | None]:
        """Nothing is destroyed, and rows may go."""
        return dict.fromkeys(keys)

    def remaining(self, keys: Sequence[str]) -> dict[str, bool | None]:
        """Nothing that is a copy's own."""
        return dict.fromkeys(keys, False)

    def check(self) -> str:
        """Nothing to try."""
        return "nothing that a restored copy points at is touched"


def close_abandoned(control: Control, now: datetime) -> int:
    """Close the intentions of restores that were killed, whose quarantine went with all its rows; how many."""
    old = [one for one in control.ledger.open_intents(MARK) if one.as_of < now - _ABANDONED]
    for intent in old:
        control.ledger.outcome(intent, count=0, root=merkle_root([]), as_of=intent.as_of, now=now)
    return len(old)
