"""One object from one region to the other: read by version, believed by hash, locked on arrival.

What the source has damaged must never be laid over a good copy, and an answer that was lost on the
way must not be taken for a failure, nor for a success.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast

from genuka_pipelines.backups.format.manifest import Named
from genuka_pipelines.backups.regions.region import Degraded
from genuka_pipelines.backups.regions.shelf import READS, Shelf, long_enough
from genuka_pipelines.backups.regions.tally import Carried
from genuka_pipelines.stores.errors import (
    AlreadyThere,
    ChecksumMismatch,
    CorruptObject,
    LockNotApplied,
    LockUnavailable,
    NoSuchObject,
    NoSuchStore,
    NotAllowed,
    Occupied,
    StoreRefused,
    StoreUnreachable,
)
from genuka_pipelines.stores.store import Stored

SPOOL = 8 << 20
"""Bytes of an object held in memory, by each thread; the rest waits on disk."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """From one shelf to another, the same prefix in both. `reading`: what the target has is read, not trusted."""

    source: Shelf
    target: Shelf

    def carry(self, named: Named, until: datetime | None, *, reading: bool = False) -> Carried:
        """Sees to it that the target has these bytes, locked until then; missing where the source has them not."""
        there = self.target.find(named, reading=reading, ask=False)
        if there is not None and self._locked(there, until):
            return "already"
        for stored in self.source.candidates(named.key):
            if stored.size == named.bytes and self._copied(named, stored, until, absent=not reading):
                return "copied"
        # The listing of the target may be stale.
        there = self.target.find(named, reading=reading)
        return "already" if there is not None and self._locked(there, until) else "missing"

    def _copied(self, named: Named, stored: Stored, until: datetime | None, *, absent: bool) -> bool:
        for _ in range(READS):
            with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
                body = cast(BinaryIO, spool)
                try:
                    self._read(stored, body)
                    self._put(named, body, until, absent=absent)  # hashed there, before anything is kept of it
                    return True
                except (CorruptObject, ChecksumMismatch):
                    continue
                except NoSuchObject:
                    return False
        return False

    def _read(self, stored: Stored, body: BinaryIO) -> None:
        def read() -> None:
            body.seek(0)
            body.truncate()  # what an attempt that broke off has left
            self.source.region.store.read_into(stored.key, body, version=stored.version)

        self.source.region.again(read)

    def _put(self, named: Named, body: BinaryIO, until: datetime | None, *, absent: bool) -> None:
        region = self.target.region
        for pause in (*region.pauses, None):
            try:
                body.seek(0)
                region.store.put(named.key, body, retain_until=until, if_absent=absent, sha256=named.sha256)
                return
            except AlreadyThere as there:
                if self._locked(there.existing, until):
                    return
                absent = False
            except (Occupied, CorruptObject):
                absent = False  # other bytes, or damaged ones: the good ones go above them, nothing is deleted
            except NoSuchStore:
                break
            except StoreUnreachable:
                if pause is None:
                    break
                time.sleep(pause)
                if not absent and self._arrived(named, until):
                    return
        raise Degraded(region.name)

    def _arrived(self, named: Named, until: datetime | None) -> bool:
        """Whether an earlier attempt was heard after all."""
        try:
            there = self.target.region.again(lambda: self.target.region.store.head(named.key))
        except NoSuchObject:
            return False
        return there.sha256 == named.sha256 and self._locked(there, until)

    def _locked(self, there: Stored, until: datetime | None) -> bool:
        """Whether it is locked long enough; a lock that is missing or short is mended once where that is allowed."""
        if until is None or long_enough(self.target.retention(there), until):
            return True
        region = self.target.region
        try:
            region.again(lambda: region.store.retain(there.key, until, version=there.version))
        except (LockNotApplied, LockUnavailable, NotAllowed, StoreRefused, NoSuchObject):
            return False  # some providers let no lock be changed: another version of the same bytes is put
        return long_enough(self.target.retention(there), until)
