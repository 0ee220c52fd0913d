"""The backends that one conformance suite runs on, and how to hurt each behind its back."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.s3.connection import Connection
from genuka_pipelines.stores.s3.store import S3Store
from genuka_pipelines.stores.store import Capabilities, Store, Stored


class Backend(Protocol):
    """A place for a store.

    `hides_locked`: a locked object can be hidden by a delete marker, as on S3. `late`: for how many
    seconds a lock may outlive its end.
    """

    hides_locked: bool
    late: float

    def open(self) -> Store:
        """A store on the place, as another process would open it."""

    def damage(self, stored: Stored, data: bytes) -> None:
        """Replace the bytes of a version without the store's knowledge."""

    def fill(self, keys: Iterable[str]) -> None:
        """Put one byte under each key, in turn, as fast as may be."""

    def begin(self, key: str) -> None:
        """Begin to upload an object and die."""

    def lost(self) -> Store:
        """An open store whose whole place has vanished."""


@dataclass
class FolderBackend:
    path: Path
    hides_locked: bool = True
    late: float = 0

    def __post_init__(self) -> None:
        FolderStore(self.path, name="here", create=True)

    def open(self) -> FolderStore:
        return FolderStore(self.path, name="here")

    def damage(self, stored: Stored, data: bytes) -> None:
        file = self.path / ".store/versions" / stored.key / ".store" / f"{stored.version}.data"
        file.write_bytes(data)

    def fill(self, keys: Iterable[str]) -> None:
        store = self.open()
        for key in keys:
            store.put(key, b"x", if_absent=False)

    def begin(self, key: str) -> None:
        (self.path / ".store/scratch" / os.urandom(8).hex()).write_bytes(b"the first part")

    def lost(self) -> FolderStore:
        store = self.open()
        self.path.rename(self.path.with_name(f"lost-{os.urandom(4).hex()}"))
        return store


@dataclass
class BucketBackend:
    """A bucket of its own, with versions and locks, below a prefix; probed once."""

    endpoint: str
    hides_locked: bool = True
    late: float = 0.1
    prefix: str = "some/where/"

    def __post_init__(self) -> None:
        self.where = Connection(f"b{uuid.uuid4().hex}", "us-east-1", self.endpoint, Shown("here"))
        store = S3Store(self.where, prefix=self.prefix)
        store.create()
        self.capabilities: Capabilities = store.probe()
        self.client = self.where.client()
        self._owner = os.getpid()

    def open(self) -> S3Store:
        """One client for each process: making one costs more than any test."""
        store = S3Store(self.where, prefix=self.prefix, capabilities=self.capabilities)
        if os.getpid() == self._owner:
            store.__dict__["_client"] = self.client
        return store

    def fill(self, keys: Iterable[str]) -> None:
        def put(key: str) -> None:
            self.client.put_object(Bucket=self.where.bucket, Key=self.prefix + key, Body=b"x")

        with ThreadPoolExecutor(8) as writers:
            list(writers.map(put, keys))

    def begin(self, key: str) -> None:
        place = {"Bucket": self.where.bucket, "Key": self.prefix + key}
        upload = self.client.create_multipart_upload(**place)["UploadId"]  # type: ignore[arg-type]
        self.client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"the first part")  # type: ignore[arg-type]

    def damage(self, stored: Stored, data: bytes) -> None:
        """S3 lets nobody change a version, so the damaged one lies above it with the same checksum."""
        metadata = {"sha256": stored.sha256 or ""}
        self.client.put_object(Bucket=self.where.bucket, Key=self.prefix + stored.key, Body=data, Metadata=metadata)

    def lost(self) -> S3Store:
        gone = replace(self.where, bucket=f"gone{uuid.uuid4().hex}")
        return S3Store(gone, prefix=self.prefix, capabilities=self.capabilities)
