"""Backups made of random bytes, with real manifests, signatures and locks: what regions are tried with.

Nothing here needs a database or a key that opens a body; what a pack holds is noise of a seed.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from genuka_pipelines.backups.calendar import Epoch, backup_id, epoch_of
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.manifest import Header, Manifest, Named, Pack, read_header, write_manifest
from genuka_pipelines.backups.format.night import Night, NightHeader, OwnerState, read_night_header, write_night
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.keys import RootKey, Secret, SigningKey
from genuka_pipelines.stores.errors import AlreadyThere
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Store, Stored

QUICK = (0.0,) * 6
"""Pauses for tests: six further attempts at once."""
signing = SigningKey(Secret(b"s" * 32))


@cache
def root() -> RootKey:
    return RootKey.generate()


def owner_id(number: int) -> str:
    return hashlib.sha256(f"owner {number}".encode()).hexdigest()[:32]


NOW = datetime.now(UTC)
OWNERS = [owner_id(1), owner_id(2)]
FIRST = max(Epoch.at(NOW).begins, NOW - timedelta(days=3))
"""The first of some nights that are over and all lie in the epoch of now."""


@dataclass
class Clock:
    """The time of a folder store, where a test sets it; the real one until then."""

    now: datetime | None = None

    def __call__(self) -> datetime:
        return self.now or datetime.now(UTC)


def folder(path: Path, name: str, clock: Clock | None = None) -> FolderStore:
    return FolderStore(path, name=name, create=True, clock=clock or Clock())


def region(name: str, store: Store) -> Region:
    return Region(name, store, QUICK)


@dataclass
class Made:
    """What was really written: our history, to which a catalogue of the bucket must be equal."""

    manifests: dict[tuple[str, str], Header] = field(default_factory=dict)
    nights: dict[str, NightHeader] = field(default_factory=dict)
    objects: dict[str, Named] = field(default_factory=dict)

    @property
    def newest(self) -> Mapping[str, str]:
        return dict(sorted(self.manifests))

    @property
    def keys(self) -> list[str]:
        """Every locked object: packs, epoch keys, manifests, nights."""
        packs = {each.key for header in self.manifests.values() for each in header.objects}
        return sorted(packs | set(self.objects))


class Maker:
    """Writes backups into one store, the same for the same seed. `pack` in bytes."""

    def __init__(self, store: Store, *, seed: int = 1, pack: int = 400) -> None:
        self.store, self.made, self._pack = store, Made(), pack
        self._random = random.Random(seed)
        self._chains: dict[tuple[str, Epoch], list[str]] = {}

    def nights(self, first: datetime, count: int, owners: Collection[str], *, changing: float = 0.7) -> Made:
        """`count` nights a day apart; each owner is captured the first time, then as often as `changing` says."""
        for number in range(count):
            moment = first + timedelta(days=number)
            self.night(moment, owners, [each for each in sorted(owners) if self._random.random() < changing])
        return self.made

    def night(self, moment: datetime, owners: Collection[str], changed: Collection[str]) -> NightHeader:
        """One night: a backup of each owner that changed, or has none in this epoch, then the night's manifest."""
        backup = backup_id(moment)
        epoch = epoch_of(backup)
        states = {}
        for owner in sorted(owners):
            captured = owner in changed or (owner, epoch) not in self._chains
            if captured:
                self.backup(owner, backup)
            states[owner] = OwnerState(backup=self._chains[owner, epoch][-1], captured=captured)
        tenants = dict.fromkeys(states)
        night = Night(
            backup=backup, created=moment, finished=moment, owners=states, tenants=tenants, row_key="0" * 64
        )  # fmt: skip
        data = write_night(night, root=root(), sign=signing.sign, signer=signing.id)
        key = layout.night(backup)
        self.made.objects[key] = self.put(key, data, epoch)
        header = self.made.nights[backup] = read_night_header(data, key, signing.verify)
        return header

    def backup(self, owner: str, backup: str) -> Header:
        """One backup of one owner, told against its last of this epoch: key, packs, then the manifest."""
        epoch = epoch_of(backup)
        with suppress(AlreadyThere):
            self.store.put(layout.tenant_key(owner), f"wrapped {owner}".encode())
        chain = self._chains.setdefault((owner, epoch), [])
        packs = [self._put_pack(epoch, owner, number) for number in range(self._random.randint(1, 2))]
        objects = [named for _, named in packs]
        if not chain:
            key = f"{layout.epoch_key(epoch, owner)}.0123456789abcdef"
            objects.append(self.put(key, f"epoch {epoch.name} {owner}".encode(), epoch))
        manifest = Manifest(
            backup=backup, owner=owner, tenant=None, parent=chain[-1] if chain else None, chain=tuple(chain),
            created=datetime.now(UTC), places=(), packs=tuple(pack for pack, _ in packs), row_key="0" * 64,
            tenant_key="none",
        )  # fmt: skip
        data = write_manifest(
            manifest, tuple(objects), seal=lambda body: body[::-1], sign=signing.sign, signer=signing.id
        )
        key = layout.manifest(backup, owner)
        self.made.objects[key] = self.put(key, data, epoch)
        header = self.made.manifests[owner, backup] = read_header(data, key, signing.verify)
        chain.append(backup)
        return header

    def put(self, key: str, data: bytes, epoch: Epoch) -> Named:
        """One locked object."""
        self.store.put(key, data, retain_until=epoch.locked_until)
        return Named(key=key, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())

    def _put_pack(self, epoch: Epoch, owner: str, ordinal: int) -> tuple[Pack, Named]:
        data = self._random.randbytes(self._random.randint(1, 2 * self._pack))
        name = hashlib.sha256(data + owner.encode()).hexdigest()
        named = self.put(layout.pack(epoch, owner, name), data, epoch)
        return Pack(ordinal=ordinal, name=name, bytes=named.bytes, sha256=named.sha256, sections=()), named


def snapshot(store: Store) -> list[Stored]:
    """Every version and marker there is."""
    return list(store.list(versions=True))


def damage(path: Path, stored: Stored, *, at: int = 0, flip: int = 1) -> None:
    """One byte of a version in a folder store is altered on the disk; an empty object gains one."""
    file = path / ".store/versions" / stored.key / ".store" / f"{stored.version}.data"
    data = bytearray(file.read_bytes() or b"\0")
    data[at % len(data)] ^= flip
    file.write_bytes(data)


def restorable(region: Region, made: Made, backups: Sequence[tuple[str, str]] | None = None) -> bool:
    """Whether every object of these backups (owner, backup), or of all, is there in some version, whole."""
    wanted = made.manifests if backups is None else {each: made.manifests[each] for each in backups}
    named = [each for header in wanted.values() for each in header.objects]
    named += [made.objects[layout.manifest(backup, owner)] for owner, backup in wanted]
    return all(_whole(region.store, each) for each in named)


def _whole(store: Store, named: Named) -> bool:
    for stored in store.list(named.key, versions=True):
        if stored.key == named.key and not stored.marker:
            with suppress(Exception):
                if hashlib.sha256(store.get(named.key, version=stored.version)).hexdigest() == named.sha256:
                    return True
    return False


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of syncs need no real disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as made:
        yield Path(made)


def lose(path: Path, key: str) -> None:
    """Every version of an object in a folder store is gone from the disk, lock or no lock."""
    shutil.rmtree(path / ".store/versions" / key / ".store")
    (path / key).unlink(missing_ok=True)
