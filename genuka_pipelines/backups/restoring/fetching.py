"""Objects of a backup from whichever region has them whole: what one lost, damaged or hid, another gives.

A delete marker hides a locked object and keeps it; so what a store does not show is looked for among its
versions before a region is given up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from genuka_pipelines.backups.errors import BackupDamaged, KeyShredded, NoSuchBackup, UnknownFormat
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject
from genuka_pipelines.stores.folder.one_key import versions_of

if TYPE_CHECKING:
    from genuka_pipelines.stores.store import Store

T = TypeVar("T")


class Fetcher:
    """Reads from regions in their order. `damaged` are the (region, key) that could not be used. Thread-safe."""

    def __init__(self, regions: Mapping[str, Store]) -> None:
        if not regions:
            raise ValueError("a restore needs a region to read from")
        self.regions = regions
        self.damaged: set[tuple[str, str]] = set()

    def read(self, key: str, parse: Callable[[bytes], T]) -> T:
        """What `parse` makes of the first copy that it takes.

        NoSuchBackup where no region ever had it; else the error of the first region, which names the object.
        """
        why: GenukaError | None = None
        for region, store in self.regions.items():
            found = False
            for copy in copies(store, key):
                try:
                    return parse(copy())
                except (UnknownFormat, KeyShredded):
                    raise
                except NoSuchObject:
                    continue
                except GenukaError as error:
                    found, why = True, why or error
            if found or len(self.regions) > 1:
                self.damaged.add((region, key))
        if why is None:
            raise NoSuchBackup(f"no region ({', '.join(self.regions)}) holds {key}: it never was, or is gone")
        raise why

    def get(self, key: str, size: int, sha256: str) -> bytes:
        """The bytes that are proved to be those that were put; BackupDamaged where no region has them any more."""

        def same(data: bytes) -> bytes:
            if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
                raise BackupDamaged(f"{key} is truncated or altered in every region that was asked: repair it first")
            return data

        try:
            return self.read(key, same)
        except (NoSuchBackup, CorruptObject):
            raise BackupDamaged(f"{key} is missing or damaged in every region ({', '.join(self.regions)})") from None

    def keys(self, prefix: str) -> set[str]:
        """Every key below a prefix in any region that answers, hidden ones too; an error where none does."""
        found: set[str] = set()
        answered, why = False, None
        for store in self.regions.values():
            try:
                found |= {one.key for one in store.list(prefix, versions=True) if not one.marker}
                answered = True
            except GenukaError as error:
                why = error
        if not answered and why is not None:
            raise why
        return found


def copies(store: Store, key: str) -> Iterator[Callable[[], bytes]]:
    """What the store shows, then every version of it."""
    yield lambda: store.get(key)
    try:
        versions = [one for one in versions_of(store, key) if not one.marker]
    except GenukaError:
        return
    for one in versions:
        if one.version is not None:
            yield lambda one=one: store.get(key, version=one.version)  # type: ignore[misc]
