"""A store in a bucket: what production backups, exports and media rest on.

Every condition, checksum and lock is stated in the request and read back from the answer, because
providers differ in which of them they silently ignore (see s3_probe).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from genuka_pipelines.stores.digests import Digest, check_announced, digest_of, rewindable
from genuka_pipelines.stores.errors import (
    AlreadyThere,
    CapabilityUnknown,
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
from genuka_pipelines.stores.naming import LONGEST_KEY, RESERVED, check_key
from genuka_pipelines.stores.reading import ObjectReader, copy_into, read_all
from genuka_pipelines.stores.s3_answers import Seen, listed, retention, seen
from genuka_pipelines.stores.s3_body import ResumingBody
from genuka_pipelines.stores.s3_connection import Connection, create_bucket
from genuka_pipelines.stores.s3_errors import named_errors
from genuka_pipelines.stores.s3_probe import Probe
from genuka_pipelines.stores.s3_upload import RETAIN_UNTIL, Upload
from genuka_pipelines.stores.store import Capabilities, Retention, Stored

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client

SINGLE_PUT = 64 << 20
PART = 32 << 20
_SAME_SECOND = timedelta(seconds=1)  # servers keep whole seconds
_ATTEMPTS = 5
_NO_LOCK = (
    "NoSuchObjectLockConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "InvalidRequest",
    "NotImplemented",
)


class S3Store:
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
        self.name = connection.shown.store
        self._connection, self._prefix, self._shown = connection, prefix, connection.shown
        self._administrative = administrative_lock
        self._single_put, self._part = single_put, part
        self._clock = clock
        self._capabilities = capabilities

    def create(self) -> None:
        """Make the bucket, with versions and object lock, unless it is there."""
        create_bucket(self._client, self._connection)

    # writing

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
            raise LockUnavailable(
                f"Store {self.name} cannot lock objects: use a bucket created with object lock."
            )
        with rewindable(data) as body:
            digest = digest_of(body, md5=can.checksums != "verified")
            check_announced(digest, sha256, key, self._shown)
            in_parts = digest.size > self._single_put and not (until and can.lock == "compliance")
            if not in_parts and can.largest_locked is not None and digest.size > can.largest_locked:
                raise TooBig(
                    f"The {self._shown(key)} has {digest.size} bytes, too many to be locked: split it into "
                    f"objects of at most {can.largest_locked} bytes."
                )
            for _ in range(_ATTEMPTS):
                if (in_parts or can.conditional_put != "atomic") if if_absent else not can.versioning:
                    self._check_free(key, body, digest, until, if_absent=if_absent)
                try:
                    version = self._send(key, body, digest, until, if_absent=if_absent, in_parts=in_parts)
                except Contested:
                    self._check_free(key, body, digest, until, if_absent=if_absent)
                else:
                    return self._read_back(key, version, digest, until)
        raise StoreRefused(f"Others keep changing {self._shown(key)}: try again later.", "Contested")

    def delete(self, key: str, *, version: str | None = None) -> str | None:
        """See `Store.delete`."""
        can = self.capabilities()
        try:
            if version is None:
                there = self._look(key, None)
                refuse_locked(None if can.versioning else there.retention, self._clock(), self._shown(key))
            elif can.lock == "administrative":
                self._refuse_declared(key, version)
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
            if error.code in _NO_LOCK:
                raise LockUnavailable(
                    f"Store {self.name} cannot lock objects: use a bucket with object lock."
                ) from None
            raise
        return Retention("compliance", until)

    # reading

    def get(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> bytes:
        """See `Store.get`."""
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length must not be negative")
        if start == 0 and length is None:
            return read_all(self.open(key, version=version))
        if length == 0:
            self._look(key, version)
            return b""
        end = "" if length is None else start + length - 1
        try:
            with named_errors(self._shown, key):
                answer = self._client.get_object(**self._at(key, version), Range=f"bytes={start}-{end}")
                data = answer["Body"].read()
        except StoreRefused as error:
            if error.code in ("InvalidRange", "416"):
                return b""  # past the end
            raise
        if "ContentRange" in answer:
            return data
        return data[start : None if length is None else start + length]  # a server may ignore ranges

    def open(self, key: str, *, version: str | None = None) -> ObjectReader:
        """See `Store.open`; a broken connection is resumed."""
        with named_errors(self._shown, key):
            answer = self._client.get_object(**self._at(key, version))
        found = self._seen(answer, key, version)
        same: dict[str, Any] = {"IfMatch": answer["ETag"], **self._at(key, found.stored.version)}

        def resume(offset: int) -> tuple[StreamingBody, int]:
            try:
                with named_errors(self._shown, key):
                    rest = self._client.get_object(**same, Range=f"bytes={offset}-")
            except Contested:
                problem = "changed while it was read: read it again"
                raise StoreRefused(f"The {self._shown(key)} {problem}.") from None
            return rest["Body"], offset if "ContentRange" in rest else 0

        body = ResumingBody(answer["Body"], resume, self._shown, key)
        return ObjectReader(body, found.stored, self._shown)

    def read_into(self, key: str, out: BinaryIO, *, version: str | None = None) -> Stored:
        """See `Store.read_into`."""
        return copy_into(self.open(key, version=version), out)

    def head(self, key: str, *, version: str | None = None) -> Stored:
        """See `Store.head`."""
        return self._look(key, version).stored

    def list(self, prefix: str = "", *, versions: bool = False) -> Iterator[Stored]:
        """A page of at most 1000 in memory; an object's SHA-256 takes a `head`."""
        versions = versions and self.capabilities().versioning
        with named_errors(self._shown):
            pages: Any = self._client.get_paginator("list_object_versions" if versions else "list_objects_v2")
            for page in pages.paginate(Bucket=self._connection.bucket, Prefix=self._prefix + prefix):
                yield from self._listed(page)

    def retention(self, key: str, *, version: str | None = None) -> Retention | None:
        """See `Store.retention`; asked of the server, so a missing right is an error, not a missing lock."""
        if self._administrative:
            return self._look(key, version).retention
        try:
            with named_errors(self._shown, key):
                found = self._client.get_object_retention(**self._at(key, version)).get("Retention", {})
        except StoreRefused as error:
            if error.code not in _NO_LOCK:
                raise
            return self._look(key, version).retention
        return retention(found.get("Mode"), found.get("RetainUntilDate"))

    # what it can do

    def capabilities(self) -> Capabilities:
        """What `probe` found."""
        if self._capabilities is None:
            raise CapabilityUnknown(
                f"What store {self.name} can do was not tried yet: probe it before writing."
            )
        return self._capabilities

    def probe(self) -> Capabilities:
        """See `Store.probe` and `s3_probe`."""
        probe = Probe(self._client, self._connection, self._prefix, self._clock, self._administrative)
        self._capabilities = probe.run()
        return self._capabilities

    # inside

    @cached_property
    def _client(self) -> S3Client:
        return self._connection.client()

    def _at(self, key: str, version: str | None) -> dict[str, Any]:
        place = {"Bucket": self._connection.bucket, "Key": self._prefix + key}
        return place if version is None else {**place, "VersionId": version}

    def _naming(self, key: str, version: str | None) -> str:
        return self._shown(key) if version is None else f"{self._shown(key)} (version {version})"

    def _seen(self, answer: Any, key: str, version: str | None) -> Seen:
        if answer.get("DeleteMarker") or not answer.get("ETag", "").strip('"'):
            raise NoSuchObject(f"There is no {self._naming(key, version)}, only a delete marker.")
        return seen(answer, key, named=version is not None, administrative=self._administrative)

    def _refuse_declared(self, key: str, version: str) -> None:
        with suppress(NoSuchObject):  # a delete marker has no lock
            lock = self._look(key, version).retention
            refuse_locked(lock, self._clock(), self._naming(key, version))

    def _look(self, key: str, version: str | None) -> Seen:
        try:
            with named_errors(self._shown, key):
                answer = self._client.head_object(**self._at(key, version))
        except NoSuchObject:
            with named_errors(self._shown):
                self._client.head_bucket(
                    Bucket=self._connection.bucket
                )  # a HEAD cannot tell which is missing
            raise
        return self._seen(answer, key, version)

    def _listed(self, page: Any) -> Iterator[Stored]:
        def key_of(item: Any) -> str:
            return str(item["Key"]).removeprefix(self._prefix)

        found = [
            listed(item, key_of(item)) for item in (*page.get("Contents", ()), *page.get("Versions", ()))
        ]
        found += [listed(item, key_of(item), marker=True) for item in page.get("DeleteMarkers", ())]
        found.sort(key=lambda one: (one.key.encode(), not one.current, -one.created.timestamp()))
        return (one for one in found if not one.key.startswith(f"{RESERVED}/"))

    def _send(
        self,
        key: str,
        body: BinaryIO,
        digest: Digest,
        until: datetime | None,
        *,
        if_absent: bool,
        in_parts: bool,
    ) -> str | None:
        can = self.capabilities()
        upload = Upload(
            self._client,
            self._connection.bucket,
            self._prefix + key,
            key,
            self._shown,
            if_none_match=if_absent and can.conditional_put != "none",
            sha256_header=can.checksums != "unsupported",
            locked_until=until if can.lock == "compliance" else None,
            metadata={RETAIN_UNTIL: until.isoformat()} if until and can.lock == "administrative" else {},
        )
        return upload.parts(body, digest, self._part) if in_parts else upload.single(body, digest)

    def _check_free(
        self, key: str, body: BinaryIO, digest: Digest, until: datetime | None, *, if_absent: bool
    ) -> None:
        """Raise AlreadyThere, Occupied or Locked if what is there now stands in the way."""
        try:
            there = self._look(key, None)
        except NoSuchObject:
            return
        if if_absent:
            if not self._same(there, body, digest):
                raise Occupied(f"Other bytes are already there as {self._shown(key)}: they were left alone.")
            lock = self.retention(key, version=there.stored.version) if until else None
            raise AlreadyThere(f"The {self._shown(key)} is there.", there.stored, lock)
        if not self.capabilities().versioning:
            refuse_locked(there.retention, self._clock(), self._shown(key))

    def _same(self, there: Seen, body: BinaryIO, digest: Digest) -> bool:
        """Proved by the server's MD5 where it gives one, else by reading what is there."""
        if there.stored.size != digest.size or there.stored.sha256 not in (None, digest.sha256):
            return False
        body.seek(0)
        if there.etag == digest_of(body, md5=True).md5:
            return True
        with self.open(there.stored.key, version=there.stored.version) as reader:
            return digest_of(reader) == digest

    def _read_back(self, key: str, version: str | None, digest: Digest, until: datetime | None) -> Stored:
        try:
            there = self._look(key, version)
        except NoSuchObject:
            problem = "was removed by somebody else as soon as it was put: look before you retry"
            raise StoreRefused(f"The {self._naming(key, version)} {problem}.") from None
        if (there.stored.size, there.stored.sha256) != (digest.size, digest.sha256):
            if version is None:
                raise StoreRefused(
                    f"Somebody else replaced {self._shown(key)} meanwhile: look before you retry."
                )
            raise CorruptObject(
                f"The {self._naming(key, version)} does not read back as it was put: put it again."
            )
        if until is not None:
            lock = there.retention or self.retention(key, version=version)
            if lock is None:
                self.retain(key, until, version=version)
                lock = self.retention(key, version=version)
            if lock is None or not until <= lock.until < until + _SAME_SECOND:
                raise LockNotApplied(
                    f"The {self._naming(key, version)} is not locked until {until.isoformat()}."
                )
        return Stored(key, there.stored.version, digest.size, digest.sha256, there.stored.created)
