"""Trying what a bucket really does, on small objects under a reserved prefix.

Makers' tables are outdated and emulators differ: one server ignores a wrong checksum, another lets
sixteen writers win one key, a third accepts a shorter COMPLIANCE lock. Whoever believed them would
call a backup locked that is not.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from genuka_pipelines.stores.errors import (
    CapabilityUnknown,
    ChecksumMismatch,
    Contested,
    NotAllowed,
    StoreRefused,
)
from genuka_pipelines.stores.naming import RESERVED
from genuka_pipelines.stores.s3_connection import Connection
from genuka_pipelines.stores.s3_errors import named_errors
from genuka_pipelines.stores.store import Capabilities, Checksums, ConditionalPut, LockKind

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LARGEST_SINGLE_PUT = 5 << 30  # S3's limit for one request
RACERS = 8
PROBE_LOCK = timedelta(seconds=60)  # long enough to survive a clock a few seconds off


@dataclass
class Probe:
    """One try-out; `run` leaves nothing but, where locks work, one object locked for a minute."""

    client: S3Client
    connection: Connection
    prefix: str
    clock: Callable[[], datetime]
    administrative_lock: bool
    _offsets: list[float] = field(default_factory=list)

    def run(self) -> Capabilities:
        """What the bucket does; NotAllowed, NoSuchBucket and so on as they come."""
        self._ask("head_bucket")
        versioning = self._ask("get_bucket_versioning").get("Status") == "Enabled"
        folder = f"{self.prefix}{RESERVED}/probe/"
        self._clean(folder, versioning)
        here = f"{folder}{secrets.token_hex(6)}/"
        try:
            checksums = self._checksums(here + "checksum")
            conditional_put = self._conditional_put(here)
            lock = self._lock(here + "lock", versioning)
        finally:
            self._clean(here, versioning)
        place = self._place()
        return Capabilities(
            lock=lock,
            versioning=versioning,
            conditional_put=conditional_put,
            checksums=checksums,
            place=place,
            place_declared=self.connection.loopback or place != self.connection.region,
            largest_locked=LARGEST_SINGLE_PUT,
            clock_offset=statistics.median(self._offsets) if self._offsets else None,
        )

    def _checksums(self, key: str) -> Checksums:
        try:
            self._put(key, sha256=_sha256(b"probe"))
        except StoreRefused:
            return "unsupported"
        try:
            self._put(key, sha256=_sha256(b"other"))
        except (ChecksumMismatch, StoreRefused):
            return "verified"
        return "ignored"

    def _conditional_put(self, here: str) -> ConditionalPut:
        if not self._wins(here + "twice") or self._wins(here + "twice"):
            return "none"
        with ThreadPoolExecutor(RACERS) as racers:
            winners = sum(racers.map(self._wins, [here + "race"] * RACERS))
        return "atomic" if winners == 1 else "racy"

    def _wins(self, key: str) -> bool:
        try:
            self._put(key, IfNoneMatch="*")
        except (Contested, StoreRefused):
            return False
        return True

    def _lock(self, key: str, versioning: bool) -> LockKind:
        """Compliance only if the server refuses to delete and to shorten a lock it reads back."""
        if self.administrative_lock:
            return "administrative"
        if not versioning or not self._lock_configured():
            return "none"
        server_now = self.clock() + timedelta(seconds=self._offsets[-1] if self._offsets else 0)
        until = server_now.replace(microsecond=0) + PROBE_LOCK
        sha256 = {"sha256": _sha256(b"probe")}
        answer = self._put(key, **sha256, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
        version = {"Key": key, "VersionId": answer["VersionId"]}
        found = self._ask("get_object_retention", **version).get("Retention", {})
        if found.get("Mode") != "COMPLIANCE" or found.get("RetainUntilDate") != until:
            return "none"
        sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": until - PROBE_LOCK / 2}
        kept = self._refuses("put_object_retention", **version, Retention=sooner)
        return "compliance" if kept and self._refuses("delete_object", **version) else "none"

    def _lock_configured(self) -> bool:
        try:
            answer = self._ask("get_object_lock_configuration")
        except StoreRefused:
            return False  # none on this bucket, or no such request on this server
        except NotAllowed:
            raise CapabilityUnknown(
                f"These credentials may not read the lock settings of store {self.connection.shown.store}: "
                "allow s3:GetBucketObjectLockConfiguration."
            ) from None
        return bool(answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")

    def _refuses(self, operation: str, **arguments: Any) -> bool:
        try:
            self._ask(operation, **arguments)
        except (NotAllowed, StoreRefused):
            return True
        return False

    def _place(self) -> str | None:
        try:
            place: str | None = self._ask("get_bucket_location").get("LocationConstraint")
        except (NotAllowed, StoreRefused):
            return None
        # AWS names every region but its first
        return "us-east-1" if place is None and self.connection.endpoint is None else place

    def _clean(self, prefix: str, versioning: bool) -> None:
        """Remove what this and earlier try-outs left, as far as locks and rights allow."""
        try:
            pages = "list_object_versions" if versioning else "list_objects_v2"
            found = self._ask(pages, Prefix=prefix)
            for item in (
                *found.get("Versions", ()),
                *found.get("DeleteMarkers", ()),
                *found.get("Contents", ()),
            ):
                version = {"VersionId": item["VersionId"]} if versioning else {}
                self._refuses("delete_object", Key=item["Key"], **version)
        except NotAllowed:
            return  # a writer that may not list or delete is a good writer; a lifecycle rule cleans up

    def _put(self, key: str, *, sha256: str | None = None, **options: Any) -> dict[str, Any]:
        if sha256 is not None:
            options |= {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
        return self._ask("put_object", Key=key, Body=b"probe", **options)

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        with named_errors(self.connection.shown):
            answer: dict[str, Any] = getattr(self.client, operation)(Bucket=self.connection.bucket, **arguments)
        if told := answer["ResponseMetadata"]["HTTPHeaders"].get("date"):
            self._offsets.append((parsedate_to_datetime(told) - self.clock()).total_seconds())
        return answer


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
