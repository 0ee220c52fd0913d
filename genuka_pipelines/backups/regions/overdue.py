"""What outlived its year: the proof that nothing did, or the alarm.

Expiry says what it destroyed; only a look at all that is there says that nothing was forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from genuka_pipelines.backups.calendar import LONGEST, Epoch
from genuka_pipelines.backups.errors import BadBackupName, OverTwelveMonths
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.stores.store import Stored


@dataclass(frozen=True, slots=True)
class Overdue:
    """What is still there after its deadline: of an epoch, or older than twelve months outside of any."""

    objects: int
    bytes: int
    oldest: str


def refuse_overdue(region: Region, now: datetime) -> None:
    """OverTwelveMonths, naming the region and the oldest key, when something outlived its deadline."""
    found = overdue(region, now)
    if found is not None:
        raise OverTwelveMonths(
            f"region {region.name} still holds {found.objects} objects of backups ({found.bytes} bytes) past twelve "
            f"months, the oldest {found.oldest}: look at its lock, and run `genuka backup expire` again"
        )


def overdue(region: Region, now: datetime) -> Overdue | None:
    """What outlived its deadline in a region, or None. Reads the whole listing but for keys, with flat memory."""

    def look() -> Overdue | None:
        objects = size = 0
        oldest: tuple[datetime, str] | None = None
        for stored in region.store.list(layout.ROOT, versions=True):
            due = _deadline(stored)
            if due is not None and due <= now:
                objects, size = objects + 1, size + stored.size
                oldest = min(oldest or (due, stored.key), (due, stored.key))
        return Overdue(objects, size, oldest[1]) if oldest else None

    return region.again(look)


def _deadline(stored: Stored) -> datetime | None:
    if stored.key.startswith((layout.KEYS, layout.ERASURES)):
        return None  # no backup: keys live as long as their owner, erasures as long as they are needed
    if stored.key.startswith(layout.EPOCHS):
        try:
            return Epoch.named(stored.key.removeprefix(layout.EPOCHS).partition("/")[0]).deadline
        except BadBackupName:
            pass
    return stored.created + LONGEST
