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
from genuka_pipelines.stores.s3.connection import Connection
from genuka_pipelines.stores.s3.errors import named_errors
from genuka_pipelines.stores.store import Capabilities, Checksums, ConditionalPut, LockKind

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LARGEST_SINGLE_PUT = 5 << 30  # S3's limit for one request
RACERS = 8
PROBE_LOCK = timedelta(seconds=60)  # long enough to survive a clock a few seconds off
LEFT_OVER = timedelta(minutes=10)  # nobody tries out for that long


@dataclass
class Probe:
    """One try-out. `run` leaves one object locked for a minute where locks work, all of its objects
    where every object is locked by default; the next try-out clears what an earlier one left.
    """

    client: S3Client
    connection: Connection
    prefix: str
    clock: Callable[[], datetime]
    administrative_lock: bool
    _offsets: list[float] = field(default_factory=list)
    _always: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Capabilities:
        """What the bucket does; NotAllowed, NoSuchBucket and so on as they come."""
        self._ask("head_bucket")
        versioning = self._ask("get_bucket_versioning").get("Status") == "Enabled"
        configured = self._lock_configuration()
        if "Rule" in configured:  # else a try-out might be locked for a year
            self._always = self._short_lock()
        folder = f"{self.prefix}{RESERVED}/probe/"
        self._clean(folder, versioning, before=self.clock() - LEFT_OVER)
        here = f"{folder}{secrets.token_hex(6)}/"
        try:
            checksums = self._checksums(here + "checksum")
            conditional_put = self._conditional_put(here)
            lock: LockKind = "administrative" if self.administrative_lock else "none"
            if lock == "none" and versioning and configured.get("ObjectLockEnabled") == "Enabled":
                lock = self._lock(here + "lock")
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

    def _lock(self, key: str) -> LockKind:
        """Compliance only if the lock reads back and we may neither shorten it nor delete what it holds."""
        lock = self._short_lock()
        until = lock["ObjectLockRetainUntilDate"]
        answer = self._put(key, sha256=_sha256(b"probe"), **lock)
        version = {"Key": key, "VersionId": answer["VersionId"]}
        found = self._ask("get_object_retention", **version).get("Retention", {})
        if found.get("Mode") != "COMPLIANCE" or found.get("RetainUntilDate") != until:
            return "none"
        sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": until - PROBE_LOCK / 2}
        kept = self._refuses("put_object_retention", **version, Retention=sooner)
        return "compliance" if kept and self._refuses("delete_object", **version) else "none"

    def _short_lock(self) -> dict[str, Any]:
        server_now = self.clock() + timedelta(seconds=self._offsets[-1] if self._offsets else 0)
        until = server_now.replace(microsecond=0) + PROBE_LOCK
        return {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}

    def _lock_configuration(self) -> dict[str, Any]:
        try:
            answer = self._ask("get_object_lock_configuration")
        except StoreRefused:
            return {}  # none on this bucket, or no such request on this server
        except NotAllowed:
            raise CapabilityUnknown(
                f"These credentials may not read the lock settings of store {self.connection.shown.store}: "
                "allow s3:GetBucketObjectLockConfiguration."
            ) from None
        found: dict[str, Any] = answer.get("ObjectLockConfiguration", {})
        return found

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

    def _clean(self, prefix: str, versioning: bool, before: datetime | None = None) -> None:
        """Remove what is there, as far as locks and rights allow; `before` spares others at work."""
        try:
            found = self._ask("list_object_versions" if versioning else "list_objects_v2", Prefix=prefix)
        except NotAllowed:
            return  # a writer that may not list or delete is a good writer; a lifecycle rule cleans up
        for item in (item for kind in ("Versions", "Contents") for item in found.get(kind, ())):
            if before is None or item["LastModified"] < before:
                version = {"VersionId": item["VersionId"]} if versioning else {}
                self._refuses("delete_object", Key=item["Key"], **version)

    def _put(self, key: str, *, sha256: str | None = None, **options: Any) -> dict[str, Any]:
        if sha256 is not None:
            options |= {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
        return self._ask("put_object", Key=key, Body=b"probe", **self._always | options)

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        with named_errors(self.connection.shown):
            answer: dict[str, Any] = getattr(self.client, operation)(Bucket=self.connection.bucket, **arguments)
        if told := answer["ResponseMetadata"]["HTTPHeaders"].get("date"):
            self._offsets.append((parsedate_to_datetime(told) - self.clock()).total_seconds())
        return answer


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
