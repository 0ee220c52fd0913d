"""Every backup of a region, known from its bucket alone.

The machine that made the backups may be what was lost: so nothing of the catalogue is kept anywhere
else, and what our own history says is compared with it, never believed before it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.errors import BadBackupName, NoSuchBackup
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Verify
from genuka_pipelines.backups.format.manifest import Header, Named
from genuka_pipelines.backups.format.night import NightHeader
from genuka_pipelines.backups.regions.region import Region, in_parallel, living
from genuka_pipelines.backups.regions.shelf import Found, Shelf

_EPOCH_KEY = re.compile(r"k(\.[0-9a-f]{16})?", re.ASCII)
_OWNER = re.compile(r"[0-9a-f]{32}")
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Contents:
    """What an epoch's listing names: owners, nights, and keys of no shape of ours."""

    owners: frozenset[str]
    nights: frozenset[str]
    foreign: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.owners or self.nights)

    def joined(self, other: Contents) -> Contents:
        """The owners and nights of both."""
        return Contents(self.owners | other.owners, self.nights | other.nights, self.foreign)


NO_CONTENTS = Contents(frozenset(), frozenset(), ())


@dataclass(frozen=True)
class Catalogue:
    """The backups of a region: by (owner, backup) the manifests that open, and the nights.

    `objects` is what each of these is as an object. `lost`: keys of manifests and nights that something
    names, or that are listed, and of which no version opens.
    """

    region: str
    manifests: Mapping[tuple[str, str], Header]
    nights: Mapping[str, NightHeader]
    objects: Mapping[str, Named]
    lost: tuple[str, ...]

    def newest(self) -> Mapping[str, str]:
        """The newest backup of each owner, by the owner's id."""
        return dict(sorted(self.manifests))

    def chain(self, owner: str, backup: str) -> tuple[Header, ...]:
        """The headers that a restore needs, oldest first, itself last; NoSuchBackup when one is not here."""
        last = self._header(owner, backup)
        return (*(self._header(owner, before) for before in last.chain), last)

    def closure(self, owner: str, backup: str) -> tuple[Named, ...]:
        """Every object that a restore reads: those of the chain, and its manifests."""
        return tuple(
            each
            for header in self.chain(owner, backup)
            for each in (*header.objects, self.objects[layout.manifest(header.backup, owner)])
        )

    def lacks(self, other: Catalogue) -> tuple[str, ...]:
        """The keys of manifests and nights of the other region that this one has not, or not the same."""
        return tuple(sorted(key for key, named in other.objects.items() if self.objects.get(key) != named))

    def unlike(self, history: Mapping[str, str]) -> tuple[str, ...]:
        """The owners whose newest backup is not the one that `history` (owner to backup) says; in order."""
        newest = self.newest()
        return tuple(sorted(owner for owner in {*newest, *history} if newest.get(owner) != history.get(owner)))

    def _header(self, owner: str, backup: str) -> Header:
        try:
            return self.manifests[owner, backup]
        except KeyError:
            raise NoSuchBackup(
                f"region {self.region} holds no backup {backup} of {owner}: take another region or another backup"
            ) from None


def contents(region: Region, epoch: Epoch) -> Contents:
    """The owners and nights of an epoch, hidden ones included; memory grows with them, not with their objects."""
    prefix = layout.of_epoch(epoch)

    def look() -> Contents:
        owners: set[str] = set()
        nights: set[str] = set()
        foreign: set[str] = set()
        for stored in region.store.list(prefix, versions=True):
            first, _, rest = stored.key.removeprefix(prefix).partition("/")
            if not _ours(epoch, first, rest):
                foreign.add(stored.key)
            elif first == "n":
                nights.add(rest)
            elif first != "r":
                owners.add(first)
        return Contents(frozenset(owners), frozenset(nights), tuple(sorted(foreign)))

    return region.again(look)


def catalogue(
    region: Region,
    *,
    verify: Verify,
    now: datetime,
    epochs: Iterable[Epoch] | None = None,
    owners: Collection[str] | None = None,
    workers: int = WORKERS,
) -> Catalogue:
    """Reads every manifest and night of `epochs` (those still locked at `now`), perhaps of some owners alone.

    What is hidden by a delete marker is found; what a stale listing leaves out is asked for by its key
    as soon as a night or a chain names it. Degraded, UnknownFormat.
    """
    rebuilt = _Rebuilding(region, verify)
    for epoch in living(now) if epochs is None else epochs:
        rebuilt.read(epoch, owners, workers)
    return rebuilt.done()


class _Rebuilding:
    def __init__(self, region: Region, verify: Verify) -> None:
        self._region, self._verify = region, verify
        self._manifests: dict[tuple[str, str], Header] = {}
        self._nights: dict[str, NightHeader] = {}
        self._objects: dict[str, Named] = {}
        self._lost: set[str] = set()
        self._alone = threading.Lock()

    def read(self, epoch: Epoch, owners: Collection[str] | None, workers: int) -> None:
        inside = contents(self._region, epoch)
        if not inside:
            return
        wanted: dict[tuple[Epoch, str], set[str]] = {(epoch, owner): set() for owner in inside.owners}
        shelf = Shelf(self._region, f"{layout.of_epoch(epoch)}n/")
        for backup in sorted(inside.nights.union(name for name in shelf.names("") if _of(epoch, name))):
            night = shelf.night(backup, self._verify)
            if night is None:
                self._lost.add(layout.night(backup))
                continue
            self._nights[backup] = night.header
            self._objects[night.named.key] = night.named
            for owner, state in night.header.owners.items():
                if state.backup is not None:
                    wanted.setdefault((epoch_of(state.backup), owner), set()).add(state.backup)
        asked = [each for each in sorted(wanted) if owners is None or each[1] in owners]
        in_parallel(lambda each: self._owner(*each, wanted[each]), asked, workers)

    def done(self) -> Catalogue:
        return Catalogue(self._region.name, self._manifests, self._nights, self._objects, tuple(sorted(self._lost)))

    def _owner(self, epoch: Epoch, owner: str, named: Iterable[str]) -> None:
        shelf = Shelf(self._region, layout.of_owner(epoch, owner))
        found = manifests_of(shelf, owner, {*named, *listed(shelf, epoch)}, self._verify)
        with self._alone:
            for backup, each in found.items():
                if each is None:
                    self._lost.add(layout.manifest(backup, owner))
                else:
                    self._manifests[owner, backup] = each.header
                    self._objects[each.named.key] = each.named


def listed(shelf: Shelf, epoch: Epoch) -> frozenset[str]:
    """The backups of which an owner's shelf lists a manifest."""
    return frozenset(backup for backup in shelf.names("m/") if _of(epoch, backup))


def manifests_of(shelf: Shelf, owner: str, backups: Iterable[str], verify: Verify) -> dict[str, Found[Header] | None]:
    """These manifests of an owner and those of their chains, by backup, oldest first; None where no version opens."""
    found: dict[str, Found[Header] | None] = {}
    waiting = set(backups)
    while waiting:
        backup = waiting.pop()
        each = found[backup] = shelf.manifest(owner, backup, verify)
        if each is not None:
            waiting.update(before for before in each.header.chain if before not in found)
    return dict(sorted(found.items()))


def _ours(epoch: Epoch, first: str, rest: str) -> bool:
    """Whether a key of an epoch has the shape of one of ours: see layout.py."""
    kind, _, name = rest.partition("/")
    if first == "n":
        return _of(epoch, rest)
    if first == "r":
        return _of(epoch, kind) and name.count("/") == 1
    if not _OWNER.fullmatch(first):
        return False
    return bool(_EPOCH_KEY.fullmatch(rest)) or (kind == "p" and "/" not in name) or (kind == "m" and _of(epoch, name))


def _of(epoch: Epoch, backup: str) -> bool:
    try:
        return epoch_of(backup) == epoch
    except BadBackupName:
        return False
