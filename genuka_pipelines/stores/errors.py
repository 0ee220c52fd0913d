"""What can go wrong with a store, one class per harm.

Callers must tell "not there" from "not allowed" and "not reachable": an absence receipt written
because a bucket was unreachable would be a false proof of destruction. No text holds a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken

if TYPE_CHECKING:
    from genuka_pipelines.stores.store import Retention, Stored


class StoreError(GenukaError):
    """Anything a store refuses or fails to do."""


class BadStoreUrl(StoreError):
    """The URL, endpoint, region or credentials of a store do not make sense."""


class NoSuchStore(StoreError):
    """The place itself is missing."""


class NoSuchFolder(NoSuchStore):
    """The folder is missing, is not a folder, or was never made a store."""


class NoSuchBucket(NoSuchStore):
    """The bucket is missing on that server."""


class StoreUnreachable(StoreError):
    """Nobody answered, or the answer broke off: nothing is known about what is there."""


class NotAllowed(StoreError):
    """These credentials, or this user, may not do that."""


class StoreRefused(StoreError):
    """The server said no for a reason we have no better name for; `code` is the one it gave."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StoreFull(StoreError):
    """No room left; nothing half written stays behind."""


class ClockSkewed(StoreError):
    """This machine's clock is too far from the server's: locks would end at the wrong time."""


class CapabilityUnknown(StoreError):
    """What the store can do was never tried, or could not be told: refuse rather than hope."""


class InvalidKey(StoreError):
    """A key that not every backend can hold, or that collides with another."""


class ForeignFile(StoreError):
    """A file that the store did not write lies where an object should go."""


class TooBig(StoreError):
    """More bytes than this store takes in the way asked for."""


class RetentionRefused(StoreError):
    """The end of a lock is in the past, too far away, or has no time zone."""


class LockUnavailable(StoreError):
    """A lock was asked of a store that has none."""


class ChecksumMismatch(StoreError):
    """The bytes given are not the bytes announced; nothing was stored."""


class NoSuchObject(StoreError):
    """No object, or no such version of it, is there."""


class Locked(StoreError):
    """The version is retained: it can be neither deleted nor unlocked earlier."""


class Occupied(StoreError):
    """Put-if-absent found other bytes under the key; nothing was written."""


class Contested(StoreError):
    """Another writer came first; the stores turn this into AlreadyThere or Occupied."""


class AlreadyThere(StoreError):
    """Put-if-absent found the same bytes, read or proved by the server; nothing was written.

    `existing` is the version that is there. `retention` is its lock as read back when the put asked
    for one (else None): the caller decides whether that lock is long enough.
    """

    def __init__(self, message: str, existing: Stored, retention: Retention | None) -> None:
        super().__init__(message)
        self.existing = existing
        self.retention = retention


class CorruptObject(StoreError, PromiseBroken):
    """The bytes there are not the bytes that were put."""


class LockNotApplied(StoreError, PromiseBroken):
    """The server took the object but its lock does not read back as asked."""
