"""Ends what is over, once a person switched that on: whole epochs, in each region, with a receipt."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import BackupError
from genuka_pipelines.backups.regions.expiring import Expired, expire
from genuka_pipelines.backups.regions.opened import region_of
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.control.switches import BACKUP_EXPIRY

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.catalog.backup import BackupPlan


class ExpiryNotSwitchedOn(BackupError):
    """Nobody decided yet that backups may be destroyed here."""


def end_backups(house: Backupable, plan: BackupPlan, name: str, *, now: datetime) -> tuple[Expired, ...]:
    """Destroy the epochs of a region whose locks are over, with the credentials for it alone.

    ExpiryNotSwitchedOn, Degraded, BadStoreUrl where a bucket has no such credentials, and what `expire` raises.
    """
    if not house.control.switches.on(BACKUP_EXPIRY):
        raise ExpiryNotSwitchedOn(
            f"the end of backups is not switched on: look at `genuka backup list`, then genuka go-live {BACKUP_EXPIRY}"
        )
    region_of(house, plan, name)
    region = Region(name, house.store_for_expiry(plan.regions[name]))
    return expire(region, house.control.ledger, now=now)
