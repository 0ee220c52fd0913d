"""An owner's wrapped key in one region: every version of one small object that no lock may bind.

A key that was once put is never replaced, only destroyed: a version may be hidden by a marker, covered by a
racer's or damaged, and still be the one that opens a year of backups.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import StoreUnfit
from genuka_pipelines.backups.format import layout
from genuka_pipelines.keys.envelope import TenantKey
from genuka_pipelines.keys.errors import Undecryptable
from genuka_pipelines.stores.errors import AlreadyThere, CorruptObject, NoSuchObject, Occupied
from genuka_pipelines.stores.folder.one_key import versions_of
from genuka_pipelines.stores.purge import purge

if TYPE_CHECKING:
    from genuka_pipelines.keys import RootKey
    from genuka_pipelines.stores.store import Store, Stored

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A version: its bytes, and the key in them where a root key that was given opens it."""

    version: str | None
    data: bytes
    key: TenantKey | None


class KeyObject:
    """The object of an owner (its id) in a region; a copy that `keys.shredding` can destroy."""

    def __init__(self, region: str, store: Store, owner: str) -> None:
        self.place, self.store, self.owner = region, store, owner
        self.path = layout.tenant_key(owner)

    def versions(self, roots: Sequence[RootKey], listed: Sequence[Stored] | None = None) -> list[Wrapped]:
        """Every version, oldest first; of those `listed`, newest first and with markers, where that is known."""
        there = self._listed() if listed is None else [one for one in listed if not one.marker]
        found = [(one.version, self._bytes(one)) for one in reversed(there)]
        return [Wrapped(version, data, self._opened(data, roots)) for version, data in found if data is not None]

    def current(self, root: RootKey) -> TenantKey | None:
        """The key that is shown; None where there is none. Undecryptable, CorruptObject."""
        try:
            return TenantKey.unwrap(self.owner, self.store.get(self.path), root, self.path)
        except NoSuchObject:
            return None

    def add(self, wrapped: bytes, *, beside: bool = True) -> str | None:
        """Put a version, `beside` others or only where there is none; which, None where another was first."""
        with suppress(AlreadyThere, Occupied):
            return self.store.put(self.path, wrapped, if_absent=not beside).version
        return None

    def remove(self, version: str | None) -> None:
        """Destroy one version."""
        self.store.delete(self.path, version=version)

    def show(self) -> None:
        """Take away what hides the versions."""
        for marker in [one for one in versions_of(self.store, self.path) if one.marker]:
            self.store.delete(self.path, version=marker.version)

    def keep_only(self, versions: Collection[str | None]) -> None:
        """Destroy every other version."""
        for one in self._listed():
            if one.version not in versions:
                self.remove(one.version)

    def show_unlocked(self) -> None:
        """Take away what hides the versions. StoreUnfit where the store locked one: it could not be destroyed."""
        try:
            lock = self.store.retention(self.path)
        except NoSuchObject:
            self.show()
            lock = self.store.retention(self.path)
        if lock is not None:
            raise StoreUnfit(
                f"store {self.store.name} locks {self.path} by a rule of its own, so that it could not be destroyed: "
                "remove the bucket's default retention, for backups state their own locks"
            )

    def read(self) -> bytes | None:
        """The newest version's bytes, also where they are damaged."""
        return next((data for one in self._listed() if (data := self._bytes(one)) is not None), None)

    def hashes(self) -> list[str]:
        """The SHA-256 of each version, as the store keeps it."""
        seen = [self.store.head(one.key, version=one.version) for one in self._listed()]
        return [one.sha256 for one in seen if one.sha256]

    def destroy(self) -> None:
        """Remove every version, and what hides them."""
        purge(self.store, self.path)

    def is_gone(self) -> bool:
        """Whether neither a version nor a marker is left."""
        return not versions_of(self.store, self.path)

    def _listed(self) -> list[Stored]:
        """The versions of exactly this key, newest first."""
        return [one for one in versions_of(self.store, self.path) if not one.marker]

    def _bytes(self, one: Stored) -> bytes | None:
        """A version's bytes as they are, which a range of them gives unchecked; None where it is gone."""
        try:
            return self.store.get(one.key, version=one.version, start=0, length=_LARGEST)
        except (NoSuchObject, CorruptObject):
            return None

    def _opened(self, data: bytes, roots: Sequence[RootKey]) -> TenantKey | None:
        for root in roots:
            with suppress(Undecryptable):
                return TenantKey.unwrap(self.owner, data, root, self.path)
        return None
