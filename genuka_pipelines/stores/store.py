"""The store interface: the one way to put, read, lock, list and delete objects.

Versions, locks and put-if-absent mean the same on a folder and on S3, so what is proved on one
backend by the conformance suite holds on the other. Without it each room would trust its own idea
of "already there" or "locked", which is how backups are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    from genuka_pipelines.stores.reading import ObjectReader

LockKind = Literal["none", "emulated", "administrative", "compliance"]
LockMode = Literal["emulated", "administrative", "compliance"]
ConditionalPut = Literal["atomic", "racy", "none"]
Checksums = Literal["verified", "ignored", "unsupported"]


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one object; None means that the store was not asked or cannot tell.

    size in bytes; sha256 in hex, None in S3 listings and for objects that others put; version None
    in stores without versions and in S3 listings of current objects; created in UTC. `current`: the
    newest of its key (None on S3 where a version was named). `marker`: a delete marker, without
    bytes; while it is the newest, it hides the versions below it.
    """

    key: str
    version: str | None
    size: int
    sha256: str | None
    created: datetime
    current: bool | None = True
    marker: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """A lock: who enforces it and until when (UTC).

    emulated: by this program alone. administrative: by a rule that an administrator can lift.
    compliance: by the server, against everyone.
    """

    mode: LockMode
    until: datetime


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store was seen to do, not what its maker says.

    conditional_put: atomic (one winner among racers), racy (a second put is refused, racers may all
    win), none. checksums: whether a body that differs from its SHA-256 is refused. place is the
    region the server names; place_declared is True where nothing but a setting says so.
    largest_locked in bytes, None without limit. clock_offset: the server's clock minus ours, seconds.
    """

    lock: LockKind
    versioning: bool
    conditional_put: ConditionalPut
    checksums: Checksums
    place: str | None
    place_declared: bool
    largest_locked: int | None = None
    clock_offset: float | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload in parts that nobody ended: kept and billed, yet in no listing of objects. `begun` in UTC."""

    key: str
    upload: str
    begun: datetime


@dataclass(frozen=True, slots=True)
class Resistance:
    """What the server itself refused when it was asked: to delete a locked version, to end its lock sooner."""

    deletion: bool
    shortening: bool


class Store(Protocol):
    """Safe to use from several threads and processes at once. Errors: see stores/errors.py.

    Any call may raise StoreUnreachable, NotAllowed, NoSuchStore or StoreRefused.
    """

    @property
    def name(self) -> str:
        """The store's name in settings, for messages."""

    def put(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        retain_until: datetime | None = None,
        if_absent: bool = True,
        sha256: str | None = None,
    ) -> Stored:
        """Store bytes whole or not at all; memory stays flat whatever their size.

        With `if_absent` and a current object under the key: AlreadyThere if its bytes are proved the
        same, Occupied if they differ, CorruptObject if they no longer match their own checksum. A
        hidden (delete-marked) key counts as absent. Where `conditional_put` is not atomic, two
        racers may both succeed; both versions are kept. Without `if_absent` a new version is made;
        without versions the old bytes go, unless retained (Locked).

        With `retain_until` (aware, in the future, at most 366 days away) the version is locked and
        the lock read back before returning: LockNotApplied, LockUnavailable or RetentionRefused.
        A stream is read from its present position; `sha256` (hex) is what the caller expects it to
        be: ChecksumMismatch. Also InvalidKey, TooBig, StoreFull.
        """

    def get(self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None) -> bytes:
        """The bytes, or a range of them (short or empty past the end).

        A whole object is checked against its SHA-256 (CorruptObject); a range cannot be. NoSuchObject.
        """

    def open(self, key: str, *, version: str | None = None) -> ObjectReader:
        """A stream with flat memory that raises CorruptObject at its end if the bytes are wrong."""

    def read_into(self, key: str, out: BinaryIO, *, version: str | None = None) -> Stored:
        """Copy an object; if this raises, what `out` received must be thrown away."""

    def head(self, key: str, *, version: str | None = None) -> Stored:
        """What is there, without its bytes. NoSuchObject, also under a delete marker."""

    def list(self, prefix: str = "", *, versions: bool = False) -> Iterator[Stored]:
        """Current objects by key (UTF-8 order), or with `versions` every version and marker.

        The versions of one key come newest first, as finely as the server tells time. `prefix` is a
        string, not a folder. Read page by page; what changes meanwhile may or may not be seen.
        """

    def delete(self, key: str, *, version: str | None = None) -> str | None:
        """Without version: hide the key behind a delete marker and return the marker's version, or
        None if nothing was visible (in a store without versions the bytes go). With version: that
        version goes for good; deleting it again is no error. Locked if it is retained.
        """

    def retention(self, key: str, *, version: str | None = None) -> Retention | None:
        """The lock as the store tells it, None if there is none. NoSuchObject."""

    def retain(self, key: str, until: datetime, *, version: str | None = None) -> Retention:
        """Lock a version that has no lock yet, or lengthen its lock; shortening raises Locked.

        Some providers never let a lock be changed: rely on it only to mend a lock that is missing.
        """

    def resistance(self, key: str, *, version: str) -> Resistance:
        """Really try to delete a version and to shorten its lock, without any check of ours before.

        Whatever is not refused has happened: for an object made to be attacked. NoSuchObject.
        """

    def incomplete(self, prefix: str = "") -> Iterator[Unfinished]:
        """The uploads in parts that were begun and neither ended nor aborted."""

    def abort(self, unfinished: Unfinished) -> None:
        """Throw an unfinished upload away; doing it again is no error."""

    def capabilities(self) -> Capabilities:
        """What `probe` found; CapabilityUnknown before it."""

    def probe(self) -> Capabilities:
        """Try conditional writes, checksums and locks on small objects under a reserved prefix."""
