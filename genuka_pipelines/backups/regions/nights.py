"""The nights of a region, newest first, as its bucket alone tells them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Verify
from genuka_pipelines.backups.format.night import Night, NightHeader, read_night
from genuka_pipelines.backups.regions.region import Region, living
from genuka_pipelines.backups.regions.shelf import Shelf
from genuka_pipelines.keys.root import RootKey


def names(region: Region, now: datetime) -> frozenset[str]:
    """The nights that a region lists in the epochs still locked: short listings, nothing read."""
    return frozenset(name for epoch in living(now) for name in Shelf(region, f"{layout.of_epoch(epoch)}n/").names(""))


def headers(region: Region, *, verify: Verify, now: datetime) -> Iterator[NightHeader]:
    """Every night that opens, newest first, read one by one."""
    for epoch in reversed(living(now)):
        shelf = Shelf(region, f"{layout.of_epoch(epoch)}n/")
        for name in reversed(shelf.names("")):
            if found := shelf.night(name, verify):
                yield found.header


def newest(region: Region, *, verify: Verify, now: datetime) -> NightHeader | None:
    """The newest night that a region holds, None for none."""
    return next(headers(region, verify=verify, now=now), None)


def whole(region: Region, backup: str, *, root: RootKey, verify: Verify) -> Night:
    """A night with who is who. BackupDamaged where no version opens, Undecryptable with another root key."""
    key = layout.night(backup)
    shelf = Shelf(region, key)
    for stored in shelf.candidates(key):
        data = region.again(lambda stored=stored: region.store.get(key, version=stored.version))  # type: ignore[misc]
        try:
            return read_night(data, key, root=root, verify=verify)
        except BackupDamaged:
            continue
    raise BackupDamaged(f"{key} does not open in region {region.name}: take the other region's")
