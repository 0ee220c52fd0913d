"""One object put where it cannot be altered: what every object of a backup goes through.

A lock that a server took and did not keep, or other bytes under the same key, would be found out in the
hour of a restore; so nothing counts as there before its bytes and its lock were seen.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import BackupDamaged, ClocksApart
from genuka_pipelines.backups.format.manifest import Named
from genuka_pipelines.stores.errors import AlreadyThere, CorruptObject, LockNotApplied, NoSuchObject, Occupied

if TYPE_CHECKING:
    from genuka_pipelines.stores.store import Retention, Store, Stored

CLOCKS = timedelta(minutes=5)
"""How far a store's clock may be from ours: beyond, nobody knows when a lock ends."""
_SAME_SECOND = timedelta(seconds=1)
"""Servers keep whole seconds."""


def check_clock(store: Store) -> None:
    """ClocksApart where the store's clock and ours differ by more than five minutes."""
    offset = store.capabilities().clock_offset
    if offset is not None and abs(offset) > CLOCKS.total_seconds():
        raise ClocksApart(
            f"the clock of store {store.name} and ours differ by {abs(offset):.0f} s, so that locks would end at the "
            "wrong time: set this machine's clock right"
        )


def put_locked(store: Store, key: str, data: bytes, until: datetime) -> Named:
    """Put an object that is not there yet, locked until then, both read back; what the header says of it.

    What is there already is proved the same, and its lock too; a missing lock is mended once. BackupDamaged
    where other bytes are there, LockNotApplied where the lock has another end.
    """
    digest = hashlib.sha256(data).hexdigest()
    try:
        version = store.put(key, data, retain_until=until, sha256=digest).version
    except AlreadyThere as there:
        version = there.existing.version
        if there.retention is None:
            store.retain(key, until, version=version)
    except Occupied:
        # Whoever covered it could not alter what is locked below.
        found = _version_of(store, key, digest)
        if found is None:
            raise BackupDamaged(
                f"{key} in store {store.name} holds other bytes than the same backup puts there: "
                "verify that store before anything is added to it"
            ) from None
        version = found.version
    _prove(store.retention(key, version=version), until, f"{key} in store {store.name}")
    return Named(key=key, bytes=len(data), sha256=digest)


def _version_of(store: Store, key: str, digest: str) -> Stored | None:
    """The version that holds these bytes; None for none."""
    for one in store.list(key, versions=True):
        if one.key == key and not one.marker:
            with suppress(NoSuchObject, CorruptObject):
                if hashlib.sha256(store.get(key, version=one.version)).hexdigest() == digest:
                    return one
    return None


def _prove(lock: Retention | None, until: datetime, what: str) -> None:
    # One that ends later breaks a promise too: nothing may outlive its twelve months.
    if lock is None or not until <= lock.until < until + _SAME_SECOND:
        found = "has no lock" if lock is None else f"is locked until {lock.until.isoformat()}"
        raise LockNotApplied(f"{what} {found}, not until {until.isoformat()}: check the bucket's own rules")
