"""Whether a region still holds what its manifests say: present, whole, locked long enough, and nothing else's.

Disks rot and people err in silence; a copy that nobody reads until it is needed is a hope.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Verify
from genuka_pipelines.backups.format.manifest import Named
from genuka_pipelines.backups.format.night import NightHeader
from genuka_pipelines.backups.regions.catalogue import NO_CONTENTS, contents, listed, manifests_of
from genuka_pipelines.backups.regions.receipts import Receipt
from genuka_pipelines.backups.regions.region import Region, Shredded, in_parallel, living, nobody
from genuka_pipelines.backups.regions.replicating_keys import owner_of_key
from genuka_pipelines.backups.regions.shelf import Found, Shelf, long_enough
from genuka_pipelines.backups.regions.tally import Progress
from genuka_pipelines.stores.store import Stored

Reason = Literal["missing", "damaged", "unlocked", "lock_short", "lock_long", "foreign", "shredded"]
Reads = Callable[[str], bool]
"""Which objects, by key, are read and hashed; the others are looked at."""
WORKERS = 4


def everything(_key: str) -> bool:
    """Read every object."""
    return True


def nothing(_key: str) -> bool:
    """Read none: presence, size and lock alone."""
    return False


def share(*, seed: int, nights: int, night: int) -> Reads:
    """Read about one object in `nights`, others each `night` (any counter): every one within `nights` of them."""

    def reads(key: str) -> bool:
        hashed = hashlib.blake2b(key.encode(), digest_size=8, key=str(seed).encode()).digest()
        return (int.from_bytes(hashed) - night) % nights == 0

    return reads


@dataclass(frozen=True, slots=True, order=True)
class Bad:
    """An object that is not as it should be, by its key alone.

    foreign: no shape of ours. shredded: a key that was destroyed for good. lock_long: it would outlive its deadline.
    """

    key: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Verified:
    """One region: `objects` of its manifests and their `bytes`; of these `read` bytes were read and hashed.

    `orphans` are objects that no manifest names, as a killed capture leaves them: they die with their epoch.
    """

    region: str
    objects: int
    bytes: int
    read: int
    orphans: int
    bad: tuple[Bad, ...]

    @property
    def passed(self) -> bool:
        """Nothing is bad."""
        return not self.bad

    def bad_keys(self, *reasons: Reason) -> tuple[str, ...]:
        """The keys that are bad, or bad for one of these reasons."""
        return tuple(bad.key for bad in self.bad if not reasons or bad.reason in reasons)

    def receipt(self, backup: str, now: datetime) -> Receipt:
        """What this proved, to be written under the newest night that it covered."""
        counts = {"objects": self.objects, "bytes": self.bytes, "read": self.read, "orphans": self.orphans}
        counts |= Counter(bad.reason for bad in self.bad)
        bad = self.bad_keys()
        return Receipt(what="verified", backup=backup, region=self.region, at=now, counts=counts, bad=bad)


def verify_region(
    region: Region,
    *,
    verify: Verify,
    now: datetime,
    reads: Reads = everything,
    backups: Collection[str] | None = None,
    shredded: Shredded = nobody,
    destroyed: Collection[str] = (),
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> Verified:
    """Looks at every object of the epochs still locked at `now`, or of the nights `backups` and their chains.

    `reads` is everything, nothing, or a `share`; manifests and nights are always read. An owner that is
    `shredded` needs no key, and none may be one of those `destroyed` (SHA-256 of wrapped keys, as the ledger
    has them). Never deletes or mends anything. Memory: one owner's listing for each worker. Degraded,
    ClocksApart, UnknownFormat.
    """
    region.agrees_on_time()
    looking = _Looking(region, verify, now, reads, shredded, frozenset(destroyed), progress)
    alive = living(now)
    nights = None if backups is None else frozenset(backups)
    for epoch in alive if nights is None else sorted({epoch_of(each) for each in nights} & set(alive)):
        looking.epoch(epoch, nights, workers)
    looking.keys()
    return looking.result()


@dataclass
class _Looking:
    region: Region
    verify: Verify
    now: datetime
    reads: Reads
    shredded: Shredded
    destroyed: frozenset[str]
    progress: Progress | None
    objects: int = 0
    bytes: int = 0
    read: int = 0
    orphans: int = 0
    bad: set[Bad] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def epoch(self, epoch: Epoch, nights: frozenset[str] | None, workers: int) -> None:
        inside = contents(self.region, epoch) if nights is None else NO_CONTENTS
        for key in inside.foreign:
            self._say(key, "foreign")
        if nights is None and not inside:
            return
        shelf = Shelf(self.region, f"{layout.of_epoch(epoch)}n/")
        found: dict[str, Found[NightHeader]] = {}
        for backup in sorted(inside.nights if nights is None else {n for n in nights if epoch_of(n) == epoch}):
            night = shelf.night(backup, self.verify)
            if night is None:
                self._lost(shelf, layout.night(backup))
            else:
                found[backup] = night
                self._holds(shelf, night.named, epoch, night.stored)
        wanted: dict[tuple[Epoch, str], set[str]] = {}
        for owner in inside.owners if nights is None else ():
            wanted[epoch, owner] = set()
        for header in (each.header for each in found.values()):
            for owner, state in header.owners.items():
                if state.backup is not None and epoch_of(state.backup).locked_until > self.now:
                    wanted.setdefault((epoch_of(state.backup), owner), set()).add(state.backup)
        in_parallel(lambda at: self._owner(*at, wanted[at], whole=nights is None), sorted(wanted), workers)

    def keys(self) -> None:
        """Every owner has its key, and none has one back that was destroyed; after that it may have another."""
        shelf = Shelf(self.region, layout.KEYS)
        present = shelf.listed
        for key, versions in present.items():
            if self.shredded(owner_of_key(key)) and any(shelf.bears(stored, self.destroyed) for stored in versions):
                self._say(key, "shredded")
        for owner in self.owners:
            if layout.tenant_key(owner) not in present and not self.shredded(owner):
                self._say(layout.tenant_key(owner), "missing")

    def result(self) -> Verified:
        counts = (self.objects, self.bytes, self.read, self.orphans)
        return Verified(self.region.name, *counts, tuple(sorted(self.bad)))

    def _owner(self, epoch: Epoch, owner: str, backups: Collection[str], *, whole: bool) -> None:
        shelf = Shelf(self.region, layout.of_owner(epoch, owner))
        manifests = manifests_of(shelf, owner, {*backups, *(listed(shelf, epoch) if whole else ())}, self.verify)
        named: dict[str, Named] = {}
        for backup, found in manifests.items():
            if found is None:
                self._lost(shelf, layout.manifest(backup, owner))
                continue
            self._holds(shelf, found.named, epoch, found.stored)
            named.update({each.key: each for each in found.header.objects})
        for each in named.values():
            self._object(shelf, each, epoch)
        with self._alone:
            self.owners.update({owner} if named else ())
            if whole:
                manifest_keys = {layout.manifest(backup, owner) for backup in manifests}
                self.orphans += len(shelf.listed.keys() - named.keys() - manifest_keys)

    def _object(self, shelf: Shelf, named: Named, epoch: Epoch) -> None:
        reading = self.reads(named.key)
        stored = shelf.find(named, reading=reading)
        if stored is None:
            self._lost(shelf, named.key)
        else:
            self._holds(shelf, named, epoch, stored, read=named.bytes if reading else 0)

    def _holds(self, shelf: Shelf, named: Named, epoch: Epoch, stored: Stored, read: int = 0) -> None:
        lock = shelf.retention(stored)
        if lock is None:
            self._say(named.key, "unlocked")
        elif not long_enough(lock, epoch.locked_until):
            self._say(named.key, "lock_short")
        elif lock.until > epoch.deadline:
            self._say(named.key, "lock_long")
        with self._alone:
            self.objects, self.bytes, self.read = self.objects + 1, self.bytes + named.bytes, self.read + read
            if self.progress is not None:
                self.progress(self.objects, self.read)

    def _lost(self, shelf: Shelf, key: str) -> None:
        """Of no version are the bytes right: there is none, or it is damaged."""
        self._say(key, "damaged" if next(shelf.candidates(key), None) is not None else "missing")

    def _say(self, key: str, reason: Reason) -> None:
        with self._alone:
            self.bad.add(Bad(key, reason))
