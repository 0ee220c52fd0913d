"""An epoch whose lock is over is destroyed as a whole: every version, marker and unfinished upload of it.

Nothing is counted by who still needs it, so nothing that is needed can go with what is not; and what
the twelve months say is over must be seen to be gone, in each region, by somebody who looked.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.catalogue import contents
from genuka_pipelines.backups.regions.overdue import refuse_overdue
from genuka_pipelines.backups.regions.region import Region, in_parallel, over
from genuka_pipelines.backups.regions.tally import Progress
from genuka_pipelines.control import Absence, Intent, Ledger, Planned
from genuka_pipelines.stores.errors import Locked
from genuka_pipelines.stores.store import Stored

WORKERS = 8


@dataclass(frozen=True, slots=True)
class Expired:
    """One epoch of one region: versions and markers destroyed, their bytes, and what was locked still."""

    epoch: Epoch
    region: str
    objects: int
    bytes: int
    locked: int

    @property
    def absent(self) -> bool:
        """Nothing of it is left, and the ledger says so."""
        return not self.locked


def expire(
    region: Region, ledger: Ledger, *, now: datetime, workers: int = WORKERS, progress: Progress | None = None
) -> tuple[Expired, ...]:
    """Destroys, oldest first, the epochs of a region whose locks are over at `now`. One that is gone is passed over.

    The store is to be opened with credentials of this duty's own. The intention is in the ledger before the
    first deletion, then the absence, seen in a fresh listing, then the outcome; a run that was killed is only
    run again. Nights go before manifests, manifests before what they name: never is there a manifest without
    its objects. Raises OverTwelveMonths when something is left after its deadline, once all that can go is
    gone; ClocksApart before anything; Degraded.
    """
    region.agrees_on_time()
    done = []
    for epoch in over(now):
        unfinished = _unfinished(ledger, region, epoch)
        if unfinished is None and not _is_there(region, epoch):
            continue
        done.append(_Destroying(region, ledger, epoch, now, workers, progress).run(unfinished))
    refuse_overdue(region, now)
    return tuple(done)


def absences(ledger: Ledger) -> dict[Epoch, frozenset[str]]:
    """The epochs that are proved gone, and in which regions."""
    found: dict[Epoch, frozenset[str]] = {}
    for entry in ledger.latest(Absence):
        epoch = Epoch(entry.body.epoch)
        found[epoch] = found.get(epoch, frozenset()) | {entry.body.region}
    return found


@dataclass
class _Destroying:
    region: Region
    ledger: Ledger
    epoch: Epoch
    now: datetime
    workers: int
    progress: Progress | None
    objects: int = 0
    bytes: int = 0

    def __post_init__(self) -> None:
        self._alone = threading.Lock()

    def run(self, unfinished: Intent | None) -> Expired:
        intent = unfinished or self._intend()
        inside = contents(self.region, self.epoch)
        for folder in ("n/", "r/"):
            self._destroy(f"{layout.of_epoch(self.epoch)}{folder}")
        owners = (layout.of_owner(self.epoch, owner) for owner in sorted(inside.owners))
        in_parallel(self._destroy, owners, self.workers)
        for prefix in _prefixes(self.epoch):
            self._destroy(prefix)  # what is of no shape of ours, or came meanwhile
            self._abort(prefix)
        left = _measured(self.region, self.epoch)
        planned = intent.planned.count
        if not left.objects:
            size = max(_planned_bytes(intent), self.bytes)
            absence = Absence(
                epoch=self.epoch.first, region=self.region.name, objects=max(planned, self.objects), bytes=size
            )
            self.ledger.append(absence, as_of=self.now, now=self.now)
        # A run before this one may have destroyed some under the same intention.
        gone = max(planned - left.objects, 0)
        self.ledger.outcome(intent, count=gone, root=intent.planned.root, as_of=intent.as_of, now=self.now)
        return Expired(self.epoch, self.region.name, self.objects, self.bytes, left.objects)

    def _intend(self) -> Intent:
        there = _measured(self.region, self.epoch)
        rule, table = _named(self.region, self.epoch)
        planned = Planned(rule=rule, table=table, count=there.objects, root=there.root, verb="delete")
        return self.ledger.intend(planned, as_of=self.now, now=self.now, sealed=str(there.bytes).encode())

    def _destroy(self, prefix: str) -> None:
        """All under a prefix: manifests first, newest first, so that each has its objects as long as it is there.

        The versions of a key go oldest first, so that none below ever shows again.
        """
        listed = self.region.again(lambda: list(self.region.store.list(prefix, versions=True)))
        listed.sort(key=lambda stored: stored.key, reverse=True)
        manifests = f"{prefix}m/"
        keys = [tuple(versions)[::-1] for _, versions in groupby(listed, key=lambda stored: stored.key)]
        keys.sort(key=lambda versions: not versions[0].key.startswith(manifests))
        for versions in keys:
            for stored in versions:
                self._delete(stored)

    def _delete(self, stored: Stored) -> None:
        try:
            self.region.again(lambda: self.region.store.delete(stored.key, version=stored.version))
        except Locked:
            return  # it is told as left
        with self._alone:
            self.objects, self.bytes = self.objects + 1, self.bytes + stored.size
            if self.progress is not None:
                self.progress(self.objects, self.bytes)

    def _abort(self, prefix: str) -> None:
        store = self.region.store
        for unfinished in self.region.again(lambda: list(store.incomplete(prefix))):
            store.abort(unfinished)


@dataclass(frozen=True, slots=True)
class _Measured:
    objects: int
    bytes: int
    root: str


def _measured(region: Region, epoch: Epoch) -> _Measured:
    """Every version and marker of an epoch: how many, how large, and the SHA-256 of their list."""

    def look() -> _Measured:
        hashed, objects, size = hashlib.sha256(), 0, 0
        for prefix in _prefixes(epoch):
            for stored in region.store.list(prefix, versions=True):
                hashed.update(f"{stored.key}\0{stored.version}\n".encode())
                objects, size = objects + 1, size + stored.size
        return _Measured(objects, size, hashed.hexdigest())

    return region.again(look)


def _is_there(region: Region, epoch: Epoch) -> bool:
    def look() -> bool:
        store = region.store
        return any(
            next(found, None) is not None
            for prefix in _prefixes(epoch)
            for found in (iter(store.list(prefix, versions=True)), iter(store.incomplete(prefix)))
        )

    return region.again(look)


def _unfinished(ledger: Ledger, region: Region, epoch: Epoch) -> Intent | None:
    """The intention that a killed run left open."""
    rule, table = _named(region, epoch)
    found = (intent for intent in ledger.open_intents(rule) if intent.planned.rule == rule)
    return next((intent for intent in found if intent.planned.table == table), None)


def _named(region: Region, epoch: Epoch) -> tuple[str, str]:
    """An epoch in the ledger, which takes no long numbers for names: its rule and its table."""
    return f"backups/{region.name}:expiry", f"epoch_{epoch.first:%Ym%md%d}"


def _planned_bytes(intent: Intent) -> int:
    return int(intent.sealed or b"0")


def _prefixes(epoch: Epoch) -> tuple[str, ...]:
    return layout.of_epoch(epoch), f"{layout.CANARY}{epoch.name}"
