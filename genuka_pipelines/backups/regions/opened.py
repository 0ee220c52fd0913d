"""The regions of a plan, opened and looked at in one way by whoever brings, verifies, asks, drills or restores.

One that does not answer is told differently by purpose: who works on it is stopped, who only needs another is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.regions.region import Degraded, Region, Shredded
from genuka_pipelines.backups.regions.verifying import Reads, Verified, verify_region
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import KeyShredded, Ledger
from genuka_pipelines.stores.errors import NoSuchStore, StoreUnreachable

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.catalog.backup import BackupPlan
    from genuka_pipelines.stores.store import Store


def region_of(house: Backupable, plan: BackupPlan, name: str) -> Region:
    """A region of a plan. Degraded, naming it, where its store cannot even be opened."""
    try:
        return Region(name, house.store(plan.regions[name]))
    except (StoreUnreachable, NoSuchStore):
        raise Degraded(name) from None


def regions_of(house: Backupable, plan: BackupPlan) -> dict[str, Region]:
    """The regions of a plan by name, the one written first in front. Degraded where one cannot be opened."""
    return {name: region_of(house, plan, name) for name in plan.regions}


def vault_of(house: Backupable, plan: BackupPlan) -> Vault:
    """The keys of all owners, in every region. Degraded where one cannot be opened."""
    stores = {name: region.store for name, region in regions_of(house, plan).items()}
    return Vault(house.keyring, stores, house.control.ledger)


def stores_of(house: Backupable) -> Mapping[str, Store]:
    """The stores of every region of every backup plan that can be opened, the first region first.

    The error of the last where none can: to lose a region must not keep anybody from restoring.
    """
    systems = {name: system for plan in house.catalog.backups.values() for name, system in plan.regions.items()}
    found: dict[str, Store] = {}
    why: GenukaError | None = None
    for name, system in systems.items():
        try:
            found[name] = house.store(system)
        except (StoreUnreachable, NoSuchStore) as error:
            why = error
    if not found and why is not None:
        raise why
    return found


def verified(
    house: Backupable, region: Region, *, now: datetime, reads: Reads, backups: Collection[str] | None = None
) -> Verified:
    """Look at a region as the ledger says that it should be: see `verify_region`."""
    return verify_region(
        region,
        verify=house.keyring.verify,
        now=now,
        reads=reads,
        backups=backups,
        shredded=shredded_in(house.control.ledger),
        destroyed=destroyed_in(house.control.ledger),
    )


def shredded_in(ledger: Ledger) -> Shredded:
    """Whether an owner's key was destroyed for good, as the ledger has it."""
    gone = frozenset(entry.body.owner for entry in ledger.latest(KeyShredded))
    return gone.__contains__


def destroyed_in(ledger: Ledger) -> frozenset[str]:
    """The SHA-256 of wrapped keys that were destroyed, and must be nowhere any more."""
    return frozenset(sha for entry in ledger.latest(KeyShredded) for sha in entry.body.found.values() if sha)
