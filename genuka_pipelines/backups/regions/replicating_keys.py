"""The tenants' keys and the list of erasures, which lie outside every epoch, in both regions.

Without its key a backup is noise, so a region needs the keys too; but a key that was destroyed for
good must never come back from the region that was down that day.
"""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.manifest import Named
from genuka_pipelines.backups.regions.carrying import Carrier
from genuka_pipelines.backups.regions.region import Region, Shredded
from genuka_pipelines.backups.regions.shelf import Shelf
from genuka_pipelines.backups.regions.tally import Tally
from genuka_pipelines.stores.errors import AlreadyThere, CorruptObject, NoSuchObject, Occupied
from genuka_pipelines.stores.store import Stored


def owner_of_key(key: str) -> str:
    """The owner (its id) whose key lies under a key of the store."""
    return key.removeprefix(layout.KEYS).partition("/")[0]


def replicate_keys(source: Region, target: Region, shredded: Shredded, tally: Tally) -> None:
    """Copies each tenant's key of which the target has no version at all; none that is shredded.

    Which of two forms of a key counts, only the vault can tell: a form that is there is never covered.
    """
    there = {stored.key for stored in target.again(lambda: list(target.store.list(layout.KEYS, versions=True)))}
    for stored in source.again(lambda: list(source.store.list(layout.KEYS))):
        if shredded(owner_of_key(stored.key)):
            continue
        if stored.key in there:
            tally.add("already", stored.key)
        else:
            _replicate_key(stored.key, source, target, shredded, tally)


def replicate_erasures(source: Region, target: Region, now: datetime, tally: Tally) -> None:
    """Copies the segments of the list of erasures, each locked as it is at the source; none is ever replaced."""
    carrier = Carrier(Shelf(source, layout.ERASURES), Shelf(target, layout.ERASURES))
    for key, versions in sorted(carrier.source.listed.items()):
        # The oldest is the one first signed: what was laid above a locked segment is not ours.
        named = _named(source, versions[-1])
        lock = carrier.source.retention(versions[-1])
        until = lock.until if lock is not None and lock.until > now else None
        if named is None:
            tally.add("missing", key)
        elif key in carrier.target.listed and carrier.target.find(named, reading=False) is None:
            tally.differs(key)
        else:
            tally.add(carrier.carry(named, until), key, named.bytes)


def _replicate_key(key: str, source: Region, target: Region, shredded: Shredded, tally: Tally) -> None:
    try:
        data = source.again(lambda: source.store.get(key))
    except (CorruptObject, NoSuchObject):
        tally.add("missing", key)
        return
    try:
        put = target.again(lambda: target.store.put(key, data))
    except (AlreadyThere, Occupied):
        tally.add("already", key)
        return
    if shredded(owner_of_key(key)):  # meanwhile: what was put too late is taken back
        target.again(lambda: target.store.delete(key, version=put.version))
    else:
        tally.add("copied", key, len(data))


def _named(region: Region, stored: Stored) -> Named | None:
    try:
        seen = region.again(lambda: region.store.head(stored.key, version=stored.version))
    except NoSuchObject:
        return None
    return None if seen.sha256 is None else Named(key=stored.key, bytes=seen.size, sha256=seen.sha256)
