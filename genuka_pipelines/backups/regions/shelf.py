"""What lies under a prefix in a region, found by version and believed by hash.

Whoever can write to a bucket can hide a locked object behind a marker or put another above it, and a
listing may be stale: what is ours is still there, so it is looked for below the newest and by its key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Part, Verify
from genuka_pipelines.backups.format.manifest import Header, Named, read_header
from genuka_pipelines.backups.format.night import NightHeader, read_night_header
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.stores.digests import digest_of
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject
from genuka_pipelines.stores.folder.one_key import versions_of
from genuka_pipelines.stores.store import Retention, Stored

P = TypeVar("P", bound=Part)
READS = 2
"""How often a version is read before it counts as damaged: bytes may also be altered on their way."""


@dataclass(frozen=True, slots=True)
class Found(Generic[P]):
    """A signed object that opened: its header, where it lies, and the object that it is."""

    header: P
    named: Named
    stored: Stored


class Shelf:
    """The versions under `prefix`. Safe to use from several threads."""

    def __init__(self, region: Region, prefix: str) -> None:
        self.region, self.prefix = region, prefix
        self.listed: Mapping[str, tuple[Stored, ...]] = region.again(self._list)

    def names(self, folder: str) -> tuple[str, ...]:
        """What is listed in a folder of this prefix, without it; in order."""
        start = self.prefix + folder
        return tuple(sorted(key.removeprefix(start) for key in self.listed if key.startswith(start)))

    def candidates(self, key: str, *, ask: bool = True) -> Iterator[Stored]:
        """The versions of a key that have bytes, newest first; then those that only asking by key shows."""
        listed = self.listed.get(key, ())
        yield from listed
        known = {stored.version for stored in listed}
        for stored in self._asked(key) if ask else ():
            if stored.version not in known:
                known.add(stored.version)
                yield stored

    def find(self, named: Named, *, reading: bool, ask: bool = True) -> Stored | None:
        """The newest version with the right bytes: proved by reading them, or by the size and hash that it bears."""
        for stored in self.candidates(named.key, ask=ask):
            if stored.size == named.bytes and (
                self._reads(named, stored) if reading else self.bears(stored, (named.sha256,))
            ):
                return stored
        return None

    def retention(self, stored: Stored) -> Retention | None:
        """The lock of a version; None also where it has gone meanwhile."""
        try:
            return self.region.again(lambda: self.region.store.retention(stored.key, version=stored.version))
        except NoSuchObject:
            return None

    def manifest(
        self, owner: str, backup: str, verify: Verify, *, known: Found[Header] | None = None
    ) -> Found[Header] | None:
        """The manifest of an owner's backup, in whichever version opens; None where none does. UnknownFormat.

        The same bytes as of a `known` one, of another region, are not verified once more.
        """

        def read(data: bytes, key: str) -> Header:
            header = read_header(data, key, verify)
            if (header.owner, header.backup) != (owner, backup):
                raise BackupDamaged(f"{key} is the manifest of another backup: take the other region's")
            return header

        return self._opened(layout.manifest(backup, owner), read, known)

    def night(self, backup: str, verify: Verify) -> Found[NightHeader] | None:
        """The manifest of a night, likewise."""

        def read(data: bytes, key: str) -> NightHeader:
            header = read_night_header(data, key, verify)
            if header.backup != backup:
                raise BackupDamaged(f"{key} is the manifest of another night: take the other region's")
            return header

        return self._opened(layout.night(backup), read)

    def _opened(self, key: str, read: Callable[[bytes, str], P], known: Found[P] | None = None) -> Found[P] | None:
        for stored in self.candidates(key):
            for _ in range(READS):
                try:
                    data = self.get(stored)
                    sha256 = hashlib.sha256(data).hexdigest()
                    header = known.header if known and known.named.sha256 == sha256 else read(data, key)
                except (BackupDamaged, CorruptObject):
                    continue
                except NoSuchObject:
                    break
                if stored.sha256 in (None, sha256):
                    return Found(header, Named(key=key, bytes=len(data), sha256=sha256), stored)
        return None

    def _reads(self, named: Named, stored: Stored) -> bool:
        for _ in range(READS):
            try:
                if self.region.again(lambda: self._hash(stored)) == named.sha256:
                    return True
            except CorruptObject:
                continue
            except NoSuchObject:
                break
        return False

    def get(self, stored: Stored) -> bytes:
        """The bytes of a version. NoSuchObject, CorruptObject."""
        return self.region.again(lambda: self.region.store.get(stored.key, version=stored.version))

    def _hash(self, stored: Stored) -> str:
        with self.region.store.open(stored.key, version=stored.version) as reader:
            return digest_of(reader).sha256

    def bears(self, stored: Stored, hashes: Collection[str]) -> bool:
        """Whether the SHA-256 that a version was put with is one of these; nothing of it is read."""
        try:
            if stored.sha256 is None:
                stored = self.region.again(lambda: self.region.store.head(stored.key, version=stored.version))
        except NoSuchObject:
            return False
        return stored.sha256 in hashes

    def _list(self) -> dict[str, tuple[Stored, ...]]:
        found: dict[str, list[Stored]] = {}
        for stored in self.region.store.list(self.prefix, versions=True):
            if not stored.marker:
                found.setdefault(stored.key, []).append(stored)
        return {key: tuple(versions) for key, versions in found.items()}

    def _asked(self, key: str) -> Iterator[Stored]:
        store = self.region.store
        with suppress(NoSuchObject):
            yield self.region.again(lambda: store.head(key))
        for stored in self.region.again(lambda: versions_of(store, key)):
            if not stored.marker:
                yield stored


def long_enough(lock: Retention | None, until: datetime) -> bool:
    """Whether a lock holds at least until then."""
    return lock is not None and lock.until >= until
