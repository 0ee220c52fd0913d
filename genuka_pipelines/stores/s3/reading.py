"""Reading a bucket: bytes, heads, lists, locks, and what the bucket was found to do.

Reading needs no try-out and no right to write, so a restore drill can run with credentials that
could not harm a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from genuka_pipelines.stores.errors import CapabilityUnknown, Contested, NoSuchObject, StoreRefused
from genuka_pipelines.stores.locks import utc_now
from genuka_pipelines.stores.naming import RESERVED
from genuka_pipelines.stores.reading import ObjectReader, copy_into, read_all
from genuka_pipelines.stores.s3.answers import Seen, listed, retention, seen
from genuka_pipelines.stores.s3.body import ResumingBody
from genuka_pipelines.stores.s3.connection import Connection
from genuka_pipelines.stores.s3.errors import named_errors
from genuka_pipelines.stores.s3.probe import Probe
from genuka_pipelines.stores.store import Capabilities, Retention, Stored, Unfinished

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client

NO_LOCK = (
    "NoSuchObjectLockConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "InvalidRequest",
    "NotImplemented",
)


class S3Reader:
    """The reading half of `S3Store`; see there for the arguments."""

    def __init__(
        self,
        connection: Connection,
        *,
        prefix: str = "",
        administrative_lock: bool = False,
        capabilities: Capabilities | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = connection.shown.store
        self._connection, self._prefix, self._shown = connection, prefix, connection.shown
        self._administrative = administrative_lock
        self._capabilities = capabilities
        self._clock = clock

    def get(self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None) -> bytes:
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
        same = self._at(key, found.stored.version)
        if found.stored.version is None:
            same["IfMatch"] = answer["ETag"]

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
            if error.code not in NO_LOCK:
                raise
            return self._look(key, version).retention
        return retention(found.get("Mode"), found.get("RetainUntilDate"))

    def incomplete(self, prefix: str = "") -> Iterator[Unfinished]:
        """See `Store.incomplete`."""
        with named_errors(self._shown):
            pages: Any = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._connection.bucket, Prefix=self._prefix + prefix):
                for item in page.get("Uploads", ()):
                    key = str(item["Key"]).removeprefix(self._prefix)
                    yield Unfinished(key, item["UploadId"], item["Initiated"].astimezone(UTC))

    def capabilities(self) -> Capabilities:
        """What `probe` found."""
        if self._capabilities is None:
            raise CapabilityUnknown(f"What store {self.name} can do was not tried yet: probe it first.")
        return self._capabilities

    def probe(self) -> Capabilities:
        """See `Store.probe` and `probe`."""
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

    def _look(self, key: str, version: str | None, *, bucket_known: bool = False) -> Seen:
        try:
            with named_errors(self._shown, key):
                answer = self._client.head_object(**self._at(key, version))
        except NoSuchObject:
            if not bucket_known:  # a HEAD cannot tell which of the two is missing
                with named_errors(self._shown):
                    self._client.head_bucket(Bucket=self._connection.bucket)
            raise
        return self._seen(answer, key, version)

    def _seen(self, answer: Any, key: str, version: str | None) -> Seen:
        if answer.get("DeleteMarker") or not answer.get("ETag", "").strip('"'):
            raise NoSuchObject(f"There is no {self._naming(key, version)}, only a delete marker.")
        return seen(answer, key, named=version is not None, administrative=self._administrative)

    def _listed(self, page: Any) -> Iterator[Stored]:
        found = [
            listed(item, str(item["Key"]).removeprefix(self._prefix), marker=kind == "DeleteMarkers")
            for kind in ("Contents", "Versions", "DeleteMarkers")
            for item in page.get(kind, ())
        ]
        found.sort(key=lambda one: (one.key, not one.current, -one.created.timestamp()))
        return (one for one in found if not one.key.startswith(f"{RESERVED}/"))
