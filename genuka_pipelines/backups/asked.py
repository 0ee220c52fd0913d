"""A question as it is put to one part of the backups: what every module in `questions` is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from genuka_pipelines.backups.regions import nights
from genuka_pipelines.backups.regions.opened import region_of, verified
from genuka_pipelines.backups.regions.receipts import Receipt, newest_receipts
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.verifying import Reads, Verified
from genuka_pipelines.catalog.backup import BACKUPS

if TYPE_CHECKING:
    from genuka_pipelines.backups.format.night import Night, NightHeader
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.catalog.backup import BackupPlan


@dataclass(frozen=True)
class Asked:
    """A question about the asset `key` (`backups/capture`, a region, or `drill`), asked `now` (aware UTC)."""

    house: Backupable
    plan: BackupPlan
    key: str
    now: datetime

    @property
    def region(self) -> Region:
        """The region asked about; for what is no region, the one written first."""
        name = self.key.removeprefix(BACKUPS)
        return region_of(self.house, self.plan, name if name in self.plan.regions else next(iter(self.plan.regions)))

    @cached_property
    def newest(self) -> NightHeader | None:
        """The newest night of the region."""
        return nights.newest(self.region, verify=self.house.keyring.verify, now=self.now)

    @property
    def stale(self) -> bool:
        """The newest night is older than the plan allows, or there is none."""
        limit = self.now - timedelta(hours=self.plan.recovery.newest_hours)
        return self.newest is None or self.newest.created < limit

    def verified(self, reads: Reads, *, newest_only: bool = False) -> Verified:
        """Every object of the region that is locked still, or what the newest night rests on, looked at now."""
        wanted = [self.newest.backup] if newest_only and self.newest else None
        return verified(self.house, self.region, now=self.now, reads=reads, backups=wanted)

    def drills(self) -> list[Receipt]:
        """What the drills of each region left under its newest nights, of those young enough for the plan."""
        found: list[Receipt] = []
        for name in self.plan.regions:
            with suppress(Degraded):
                found += self._drills(region_of(self.house, self.plan, name))
        return found

    def _drills(self, region: Region) -> Iterator[Receipt]:
        young = timedelta(hours=self.plan.recovery.newest_hours)
        for header in nights.headers(region, verify=self.house.keyring.verify, now=self.now):
            receipt = newest_receipts(region, header.backup, self.house.keyring.verify).get("drilled")
            if receipt and receipt.at >= self.now - young:
                yield receipt
            if header.created < self.now - 2 * young:
                return

    def night(self, backup: str) -> Night:
        """A night of the region with who is who."""
        keyring = self.house.keyring
        return nights.whole(self.region, backup, root=keyring.root, verify=keyring.verify)
