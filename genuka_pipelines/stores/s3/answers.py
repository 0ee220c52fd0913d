"""What a server says about an object, as values.

The lock comes from the answer's own headers where the server enforces it, from our metadata only
where an administrator's rule does, and never from what we hoped to have set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from genuka_pipelines.stores.s3.upload import RETAIN_UNTIL, SHA256
from genuka_pipelines.stores.store import Retention, Stored


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer to HEAD or GET. `etag` is the MD5 of the bytes on most servers, never relied upon."""

    stored: Stored
    retention: Retention | None
    etag: str


def seen(answer: Mapping[str, Any], key: str, *, named: bool, administrative: bool) -> Seen:
    """`named`: a version was asked for, so nothing is known about which one is current."""
    metadata = answer.get("Metadata", {})
    stored = Stored(
        key,
        answer.get("VersionId"),
        answer["ContentLength"],
        metadata.get(SHA256),
        answer["LastModified"].astimezone(UTC),
        current=None if named else True,
    )
    declared = metadata.get(RETAIN_UNTIL)
    if administrative and declared:
        lock: Retention | None = Retention("administrative", datetime.fromisoformat(declared))
    else:
        lock = retention(answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate"))
    return Seen(stored, lock, answer["ETag"].strip('"'))


def retention(mode: str | None, until: datetime | None) -> Retention | None:
    """A lock as S3 tells it; GOVERNANCE can be lifted by whoever has the right."""
    if mode is None or until is None:
        return None
    return Retention("compliance" if mode == "COMPLIANCE" else "administrative", until.astimezone(UTC))


def listed(item: Mapping[str, Any], key: str, *, marker: bool = False) -> Stored:
    """One line of a listing of objects or of versions."""
    current = item.get("IsLatest", True)
    created = item["LastModified"].astimezone(UTC)
    return Stored(key, item.get("VersionId"), item.get("Size", 0), None, created, current, marker)
