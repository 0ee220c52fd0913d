"""A store in a bucket: what production backups, exports and media rest on.

Every condition, checksum and lock is stated in the request and read back from the answer, because
providers differ in which of them they silently ignore (see `probe`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from genuka_pipelines.stores.digests import Digest, check_announced, digest_of, rewindable
from genuka_pipelines.stores.errors import (
    AlreadyThere,
    Contested,
    CorruptObject,
    LockNotApplied,
    LockUnavailable,
    NoSuchObject,
    NotAllowed,
    Occupied,
    StoreRefused,
    TooBig,
)
from genuka_pipelines.stores.locks import checked_until, refuse_locked, refuse_shorter, utc_now
from genuka_pipelines.stores.naming import LONGEST_KEY, check_key
from genuka_pipelines.stores.s3.answers import Seen
from genuka_pipelines.stores.s3.connection import Connection, create_bucket
from genuka_pipelines.stores.s3.errors import named_errors
from genuka_pipelines.stores.s3.reading import NO_LOCK, S3Reader
from genuka_pipelines.stores.s3.upload import RETAIN_UNTIL, Upload
from genuka_pipelines.stores.store import Capabilities, Resistance, Retention, Stored, Unfinished

SINGLE_PUT = 64 << 20
PART = 32 << 20
_SAME_SECOND = timedelta(seconds=1)  # servers keep whole seconds
_ATTEMPTS = 5
_BYPASSES: tuple[dict[str, Any], ...] = ({}, {"BypassGovernanceRetention": True})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One put as asked for; `body` can be read from its start again."""

    key: str
    body: BinaryIO
    digest: Digest
    until: datetime | None
    if_absent: bool


class S3Store(S3Reader):
    """A `Store` in a bucket, under `prefix` ("" or ending in a slash). Nothing is sent before it is used.

    `administrative_lock`: the bucket has a retention rule that only its administrator can lift (R2's
    bucket locks), which no S3 request can show; ends of locks are then kept in our metadata.
    Unlocked objects of more than `single_put` bytes go up in parts of `part` bytes. `capabilities`
    are those an earlier probe of the same bucket found.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        prefix: str = "",
        administrative_lock: bool = False,
        single_put: int = SINGLE_PUT,
        part: int = PART,
        capabilities: Capabilities | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(
            connection,
            prefix=prefix,
            administrative_lock=administrative_lock,
            capabilities=capabilities,
            clock=clock,
        )
        self._single_put, self._part = single_put, part

    def create(self) -> None:
        """Make the bucket, with versions and object lock, unless it is there."""
        create_bucket(self._client, self._connection)

    def put(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        retain_until: datetime | None = None,
        if_absent: bool = True,
        sha256: str | None = None,
    ) -> Stored:
        """Sent with its SHA-256, condition and lock, then all three read back: see `Store.put`."""
        check_key(key, self._shown, longest=LONGEST_KEY - len(self._prefix.encode()))
        can = self.capabilities()
        until = checked_until(retain_until, self._clock(), self._shown) if retain_until else None
        if until and can.lock == "none":
            raise self._no_lock()
        with rewindable(data) as body:
            digest = digest_of(body, md5=can.checksums != "verified")
            check_announced(digest, sha256, key, self._shown)
            return self._put(_Wanted(key, body, digest, until, if_absent))

    def delete(self, key: str, *, version: str | None = None) -> str | None:
        """See `Store.delete`."""
        can = self.capabilities()
        try:
            if version is None:
                there = self._look(key, None)
                refuse_locked(None if can.versioning else there.retention, self._clock(), self._shown(key))
            elif can.lock == "administrative":
                with suppress(NoSuchObject):  # a delete marker has no lock
                    lock = self._look(key, version).retention
                    refuse_locked(lock, self._clock(), self._naming(key, version))
            with named_errors(self._shown, key):
                answer = self._client.delete_object(**self._at(key, version))
        except NoSuchObject:
            return None
        except NotAllowed:
            refuse_locked(self.retention(key, version=version), self._clock(), self._naming(key, version))
            raise
        return answer.get("VersionId") if version is None and can.versioning else None

    def retain(self, key: str, until: datetime, *, version: str | None = None) -> Retention:
        """See `Store.retain`; sets COMPLIANCE mode."""
        until = checked_until(until, self._clock(), self._shown)
        present = self.retention(key, version=version)
        refuse_shorter(present, until, self._naming(key, version))
        if present is not None and present.until == until:
            return present
        if self._administrative:
            raise LockUnavailable(f"Store {self.name} sets the end of a lock only when an object is put.")
        try:
            with named_errors(self._shown, key):
                self._client.put_object_retention(
                    **self._at(key, version), Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}
                )
        except StoreRefused as error:
            if error.code in NO_LOCK:
                raise self._no_lock() from None
            raise
        return Retention("compliance", until)

    def resistance(self, key: str, *, version: str) -> Resistance:
        """See `Store.resistance`; asked plainly, then with the right to lift what an administrator set."""
        lock, now = self.retention(key, version=version), self._clock()
        at, until = self._at(key, version), lock.until if lock else now
        sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": now + (until - now) / 2}
        deletion = all(self._refuses(key, "delete_object", **at, **bypass) for bypass in _BYPASSES)
        return Resistance(
            deletion,
            deletion
            and lock is not None
            and all(self._refuses(key, "put_object_retention", **at, Retention=sooner, **by) for by in _BYPASSES),
        )

    def abort(self, unfinished: Unfinished) -> None:
        """See `Store.abort`."""
        try:
            with named_errors(self._shown, unfinished.key):
                self._client.abort_multipart_upload(**self._at(unfinished.key, None), UploadId=unfinished.upload)
        except StoreRefused as error:
            if error.code != "NoSuchUpload":
                raise
        except NoSuchObject:
            return

    # the steps of a put

    def _put(self, wanted: _Wanted) -> Stored:
        can = self.capabilities()
        size = wanted.digest.size
        in_parts = size > self._single_put and not (wanted.until and can.lock == "compliance")
        if not in_parts and can.largest_locked is not None and size > can.largest_locked:
            raise TooBig(
                f"The {self._shown(wanted.key)} has {size} bytes, too many to be locked: split it into "
                f"objects of at most {can.largest_locked} bytes."
            )
        looks_first = (in_parts or can.conditional_put != "atomic") if wanted.if_absent else not can.versioning
        for attempt in range(_ATTEMPTS):
            if looks_first or attempt:
                self._check_free(wanted)
            with suppress(Contested):
                return self._read_back(self._send(wanted, in_parts), wanted)
        raise StoreRefused(f"Others keep changing {self._shown(wanted.key)}: try again later.")

    def _check_free(self, wanted: _Wanted) -> None:
        """Raise AlreadyThere, Occupied or Locked if what is there now stands in the way."""
        try:
            there = self._look(wanted.key, None, bucket_known=True)  # if it is not, the PUT will tell
        except NoSuchObject:
            return
        what = self._shown(wanted.key)
        if wanted.if_absent:
            if not self._same(there, wanted):
                raise Occupied(f"Other bytes are already there as {what}: they were left alone.")
            lock = self.retention(wanted.key, version=there.stored.version) if wanted.until else None
            raise AlreadyThere(f"The {what} is there.", there.stored, lock)
        if not self.capabilities().versioning:
            refuse_locked(there.retention, self._clock(), what)

    def _same(self, there: Seen, wanted: _Wanted) -> bool:
        """Proved by the server's MD5 where it gives one, else by reading what is there."""
        if there.stored.size != wanted.digest.size:
            return False
        if there.stored.sha256 not in (None, wanted.digest.sha256):
            return False
        wanted.body.seek(0)
        if there.etag == digest_of(wanted.body, md5=True).md5:
            return True
        with self.open(wanted.key, version=there.stored.version) as reader:
            return digest_of(reader) == wanted.digest

    def _send(self, wanted: _Wanted, in_parts: bool) -> str | None:
        can, until = self.capabilities(), wanted.until
        upload = Upload(
            self._client,
            self._connection.bucket,
            self._prefix + wanted.key,
            wanted.key,
            self._shown,
            if_none_match=wanted.if_absent and can.conditional_put != "none",
            sha256_header=can.checksums != "unsupported",
            locked_until=until if can.lock == "compliance" else None,
            metadata={RETAIN_UNTIL: until.isoformat()} if until and can.lock == "administrative" else {},
        )
        if in_parts:
            return upload.parts(wanted.body, wanted.digest, self._part)
        return upload.single(wanted.body, wanted.digest)

    def _read_back(self, version: str | None, wanted: _Wanted) -> Stored:
        key, digest, until = wanted.key, wanted.digest, wanted.until
        what = self._naming(key, version)
        try:
            there = self._look(key, version)
        except NoSuchObject:
            problem = "was removed by somebody else as soon as it was put: look before you retry"
            raise StoreRefused(f"The {what} {problem}.") from None
        if (there.stored.size, there.stored.sha256) != (digest.size, digest.sha256):
            if version is None:
                raise StoreRefused(f"Somebody else replaced {what} meanwhile: look before you retry.")
            raise CorruptObject(f"The {what} does not read back as it was put: put it again.")
        if until is not None:
            lock = there.retention or self.retention(key, version=version)
            if lock is None:
                self.retain(key, until, version=version)
                lock = self.retention(key, version=version)
            if lock is None or not until <= lock.until < until + _SAME_SECOND:
                raise LockNotApplied(f"The {what} is not locked until {until.isoformat()}: check the bucket.")
        return Stored(key, there.stored.version, digest.size, digest.sha256, there.stored.created)

    def _refuses(self, key: str, operation: str, **arguments: Any) -> bool:
        try:
            with named_errors(self._shown, key):
                getattr(self._client, operation)(**arguments)
        except (NotAllowed, StoreRefused):
            return True
        return False

    def _no_lock(self) -> LockUnavailable:
        return LockUnavailable(f"Store {self.name} cannot lock objects: use a bucket made with object lock.")
