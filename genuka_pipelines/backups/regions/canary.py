"""An object that must refuse to die: whoever could delete it could delete every backup.

That a bucket is locked is a setting somebody can change; that a locked version was really asked to go,
tonight, and did not, is a fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.backups.regions.shelf import long_enough
from genuka_pipelines.stores.errors import AlreadyThere, CorruptObject, NoSuchObject, Occupied
from genuka_pipelines.stores.store import LockKind, Stored

_SONG = b"This object is deleted every night, and every night it is still here.\n"


@dataclass(frozen=True, slots=True)
class Canary:
    """What a region's canary did: whether its deletion and the shortening of its lock were refused.

    `lock` is who enforces it: emulated proves our program alone, administrative yields to whoever may lift
    the rule, compliance yields to nobody. `locked`: its lock reads back as long as its epoch's.
    """

    region: str
    key: str
    lock: LockKind
    locked: bool
    deletion_refused: bool
    shortening_refused: bool

    @property
    def alive(self) -> bool:
        """It refused everything, and is still there."""
        return self.locked and self.deletion_refused and self.shortening_refused


def canary_key(epoch: Epoch) -> str:
    """One each epoch: it dies with its lock, as the epoch does."""
    return f"{layout.CANARY}{epoch.name}"


def attack_canary(region: Region, *, now: datetime) -> Canary:
    """Puts the epoch's canary if need be, then really tries to delete it and to shorten its lock.

    A canary that could be killed is put again the next time. LockUnavailable for a store without locks.
    Degraded, ClocksApart.
    """
    region.agrees_on_time()
    epoch = Epoch.at(now)
    stored = _put(region, epoch)
    key, version, store = stored.key, str(stored.version), region.store
    locked = long_enough(region.again(lambda: store.retention(key, version=version)), epoch.locked_until)
    refused = region.again(lambda: store.resistance(key, version=version))
    kind = region.again(store.capabilities).lock
    alive = refused.deletion and _still_there(region, stored)
    return Canary(region.name, key, kind, locked, alive, alive and refused.shortening)


def _put(region: Region, epoch: Epoch) -> Stored:
    key, store = canary_key(epoch), region.store
    try:
        return region.again(lambda: store.put(key, _SONG, retain_until=epoch.locked_until))
    except AlreadyThere as there:
        if long_enough(there.retention, epoch.locked_until):
            return there.existing
    except (Occupied, CorruptObject):
        pass  # somebody laid other bytes above it
    return region.again(lambda: store.put(key, _SONG, retain_until=epoch.locked_until, if_absent=False))


def _still_there(region: Region, stored: Stored) -> bool:
    try:
        return region.again(lambda: region.store.get(stored.key, version=stored.version)) == _SONG
    except (NoSuchObject, CorruptObject):
        return False
