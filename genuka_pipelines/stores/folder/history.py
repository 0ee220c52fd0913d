"""The versions of one key in a folder, and the steps that change them.

A version exists once its record does: the record's rename is the one commit point, so a `kill -9`
anywhere leaves the old state or the new. The plain path is a view of the newest version (a hard
link); a pending note says when it may be out of step, and whoever comes next puts it right.
The note is a symbolic link to the key, because journaling file systems keep names in order unasked.
"""

# Paths are strings here: see History.
# ruff: noqa: PTH104, PTH108, PTH115, PTH120, PTH121, PTH208, PTH211
from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from genuka_pipelines.stores.digests import Digest
from genuka_pipelines.stores.errors import CorruptObject, ForeignFile, InvalidKey
from genuka_pipelines.stores.folder import disk
from genuka_pipelines.stores.naming import RESERVED, Shown
from genuka_pipelines.stores.store import Retention, Stored

_VERSION = re.compile(r"[0-9]{10}-[0-9a-f]{12}")
_RECORD = ".json"
_BYTES = ".data"


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept beside the bytes of a version; times in ISO 8601 UTC."""

    key: str
    version: str
    size: int
    sha256: str | None
    created: str
    retain_until: str | None = None
    marker: bool = False

    def stored(self, *, current: bool) -> Stored:
        """As the interface shows it."""
        created = datetime.fromisoformat(self.created)
        return Stored(self.key, self.version, self.size, self.sha256, created, current, self.marker)

    def retention(self) -> Retention | None:
        """The lock, which this program alone enforces."""
        until = self.retain_until
        return Retention("emulated", datetime.fromisoformat(until)) if until else None

    def written(self) -> bytes:
        """As it lies beside the bytes."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()


class History:
    """One key under one root. Reading needs no lock; every change runs inside `exclusive()`.

    Paths are strings: one is made for every step of every object of a night, which `pathlib` made half of the work.
    """

    __slots__ = ("_dir", "_key", "_root", "_shown", "_tree", "_view")

    def __init__(self, root: str, key: str, shown: Shown) -> None:
        self._root, self._key, self._shown = root, key, shown
        self._view = f"{root}/{key}"
        self._tree = f"{root}/{RESERVED}/versions"
        self._dir = f"{self._tree}/{key}/{RESERVED}"

    # reading

    def versions(self) -> list[str]:
        """Newest first."""
        try:
            names = os.listdir(self._dir)
        except FileNotFoundError:
            return []
        return sorted([name.removesuffix(_RECORD) for name in names if name.endswith(_RECORD)], reverse=True)

    def record(self, version: str) -> Record | None:
        """None if there is no such version; CorruptObject if its record cannot be read."""
        if not _VERSION.fullmatch(version):
            return None
        try:
            record = Record(**json.loads(disk.read_small(self._record_of(version)).decode()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            record = None
        if record is None or (record.key, record.version) != (self._key, version):
            raise CorruptObject(
                f"The record of {self._shown(self._key)} (version {version}) is damaged: take another copy."
            )
        return record

    def newest(self) -> Record | None:
        """The newest version, which may be a marker."""
        return next((record for version in self.versions() if (record := self.record(version))), None)

    def current(self) -> Record | None:
        """The newest version, unless there is none or it is a marker."""
        return _with_bytes(self.newest())

    def bytes_of(self, version: str) -> str:
        """Where the bytes of a version lie."""
        return f"{self._dir}/{version}{_BYTES}"

    def _record_of(self, version: str) -> str:
        return f"{self._dir}/{version}{_RECORD}"

    # changing, inside exclusive()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers of this key out, after mending what a dead one left."""
        with disk.exclusively(f"{self._root}/{RESERVED}/locks/{self._fingerprint[:2]}"):
            self.recover()
            yield

    def add(self, scratch: str, digest: Digest, now: datetime, until: datetime | None, newest: Record | None) -> Record:
        """Make the scratch file the version after `newest`."""
        record = Record(
            self._key,
            _version_after(newest),
            digest.size,
            digest.sha256,
            now.isoformat(),
            until.isoformat() if until else None,
        )

        def prepare() -> None:
            os.rename(scratch, self.bytes_of(record.version))
            self._show(record, instead_of=_with_bytes(newest))

        self._commit(prepare, lambda: self._write(record))
        return record

    def hide(self, now: datetime, current: Record) -> Record:
        """Add a delete marker above `current`."""
        marker = Record(self._key, _version_after(current), 0, None, now.isoformat(), marker=True)
        self._commit(lambda: self._show(None, instead_of=current), lambda: self._write(marker))
        self._prune()
        return marker

    def remove(self, record: Record) -> None:
        """Destroy one version; the one below it, if it was the newest, shows again."""
        versions = self.versions()

        def reveal() -> None:
            if versions[0] == record.version:
                below = self.record(versions[1]) if versions[1:] else None
                self._show(_with_bytes(below), instead_of=_with_bytes(record))

        def forget() -> None:
            os.unlink(self._record_of(record.version))
            disk.sync_folder(self._dir)
            disk.remove(self.bytes_of(record.version))

        self._commit(reveal, forget)
        self._prune()

    def retain(self, record: Record, until: datetime) -> None:
        """Set the end of a version's lock."""
        kept = replace(record, retain_until=until.isoformat())
        self._commit(lambda: None, lambda: self._write(kept))

    def recover(self) -> None:
        """Bring view and files back in step with the records, if a change was cut short."""
        if disk.kind_of(self._pending, follow=False) != stat.S_IFLNK:
            return
        current = self.current()
        self._show(current, instead_of=current)
        kept = {v + suffix for v in self.versions() for suffix in (_RECORD, _BYTES)}
        for name in os.listdir(self._dir) if disk.kind_of(self._dir) == stat.S_IFDIR else ():
            if name not in kept:
                os.unlink(f"{self._dir}/{name}")
        self._prune()
        os.unlink(self._pending)

    @staticmethod
    def sweep(root: str, shown: Shown) -> int:
        """Mend every key whose writer died; return how many."""
        swept = 0
        for name in os.listdir(f"{root}/{RESERVED}/pending"):
            with disk.exclusively(f"{root}/{RESERVED}/locks/{name[:2]}"):
                note = f"{root}/{RESERVED}/pending/{name}"
                if disk.kind_of(note, follow=False) == stat.S_IFLNK:
                    History(root, os.readlink(note), shown).recover()
                    swept += 1
        return swept

    def _commit(self, prepare: Callable[[], None], commit: Callable[[], None]) -> None:
        os.symlink(self._key, self._pending)
        try:
            disk.make_folders(self._dir)
            prepare()
            commit()
        except BaseException:
            self.recover()
            raise
        os.unlink(self._pending)

    @property
    def _fingerprint(self) -> str:
        return hashlib.sha256(self._key.encode()).hexdigest()

    @property
    def _pending(self) -> str:
        return f"{self._root}/{RESERVED}/pending/{self._fingerprint}"

    def _write(self, record: Record) -> None:
        disk.write_whole(self._record_of(record.version), record.written())

    def _prune(self) -> None:
        disk.prune_folders(self._dir, self._tree)
        disk.prune_folders(os.path.dirname(self._view), self._root)

    # the plain path

    def _show(self, record: Record | None, *, instead_of: Record | None) -> None:
        """Make the plain path show `record`. Where nothing was visible nothing may be overwritten."""
        if record is None:
            if instead_of is not None or self._view_is_ours():
                disk.remove(self._view)
            return
        data = self.bytes_of(record.version)
        if instead_of is None:
            self._claim(data)
        elif disk.kind_of(data) and not (disk.kind_of(self._view) and os.path.samefile(self._view, data)):
            beside = f"{self._dir}/view"
            disk.remove(beside)
            os.link(data, beside)
            self._place(beside, os.replace)

    def _claim(self, data: str) -> None:
        """Link where nothing lies yet: the file system picks one winner."""
        try:
            self._place(data, os.link)
        except FileExistsError:
            if disk.kind_of(self._view) == stat.S_IFDIR:
                problem = "cannot be put because other objects lie below it: choose another key"
                raise InvalidKey(f"The {self._shown(self._key)} {problem}.") from None
            problem = "cannot be put because a file that the store did not write is in its place: move that"
            raise ForeignFile(f"The {self._shown(self._key)} {problem}.") from None
        except NotADirectoryError:
            problem = "cannot be put below another object: choose another key"
            raise InvalidKey(f"The {self._shown(self._key)} {problem}.") from None

    def _place(self, file: str, at_view: Callable[[str, str], object]) -> None:
        """Bring a file to the plain path, in a folder that may be missing, and that others prune while it is empty."""
        while True:
            try:
                at_view(file, self._view)
                return
            except FileNotFoundError:
                if not disk.kind_of(file, follow=False):
                    raise
            disk.make_folders(os.path.dirname(self._view))

    def _view_is_ours(self) -> bool:
        if (disk.kind_of(self._view), disk.kind_of(self._dir)) != (stat.S_IFREG, stat.S_IFDIR):
            return False
        names = [name for name in os.listdir(self._dir) if name.endswith(_BYTES)]
        return any(os.path.samefile(f"{self._dir}/{name}", self._view) for name in names)


def _with_bytes(record: Record | None) -> Record | None:
    return None if record is None or record.marker else record


def _version_after(newest: Record | None) -> str:
    """Sorts after `newest`, whatever the clock says."""
    number = int(newest.version.split("-")[0]) + 1 if newest else 1
    return f"{number:010d}-{secrets.token_hex(6)}"
