"""The versions of one key in a folder, and the steps that change them.

A version exists once its record does: the record's rename is the one commit point, so a `kill -9`
anywhere leaves the old state or the new. The plain path is a view of the newest version (a hard
link); a pending note says when it may be out of step, and whoever comes next puts it right.
The note is a symbolic link to the key, because journaling file systems keep names in order unasked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

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


class History:
    """One key under one root. Reading needs no lock; every change runs inside `exclusive()`."""

    def __init__(self, root: Path, key: str, shown: Shown) -> None:
        self._root, self._key, self._shown = root, key, shown
        self._view = root / key
        self._tree = root / RESERVED / "versions"
        self._dir = self._tree / key / RESERVED
        fingerprint = hashlib.sha256(key.encode()).hexdigest()
        self._pending = root / RESERVED / "pending" / fingerprint
        self._lock = root / RESERVED / "locks" / fingerprint[:2]

    # reading

    def versions(self) -> list[str]:
        """Newest first."""
        try:
            with os.scandir(self._dir) as found:
                names = [entry.name for entry in found if entry.name.endswith(_RECORD)]
        except FileNotFoundError:
            return []
        return sorted((name.removesuffix(_RECORD) for name in names), reverse=True)

    def record(self, version: str) -> Record | None:
        """None if there is no such version; CorruptObject if its record cannot be read."""
        if not _VERSION.fullmatch(version):
            return None
        try:
            record = Record(**json.loads((self._dir / (version + _RECORD)).read_bytes()))
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

    def bytes_of(self, version: str) -> Path:
        """Where the bytes of a version lie."""
        return self._dir / (version + _BYTES)

    # changing, inside exclusive()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers of this key out, after mending what a dead one left."""
        with disk.exclusively(self._lock):
            self.recover()
            yield

    def add(
        self, scratch: Path, digest: Digest, now: datetime, until: datetime | None, newest: Record | None
    ) -> Record:
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
            scratch.rename(self.bytes_of(record.version))
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
            (self._dir / (record.version + _RECORD)).unlink()
            disk.sync_folder(self._dir)
            self.bytes_of(record.version).unlink(missing_ok=True)

        self._commit(reveal, forget)
        self._prune()

    def retain(self, record: Record, until: datetime) -> None:
        """Set the end of a version's lock."""
        kept = replace(record, retain_until=until.isoformat())
        self._commit(lambda: None, lambda: self._write(kept))

    def recover(self) -> None:
        """Bring view and files back in step with the records, if a change was cut short."""
        if not self._pending.is_symlink():
            return
        current = self.current()
        self._show(current, instead_of=current)
        kept = {v + suffix for v in self.versions() for suffix in (_RECORD, _BYTES)}
        for file in self._dir.iterdir() if self._dir.is_dir() else ():
            if file.name not in kept:
                file.unlink()
        self._prune()
        self._pending.unlink()

    @staticmethod
    def sweep(root: Path, shown: Shown) -> int:
        """Mend every key whose writer died; return how many."""
        swept = 0
        for note in (root / RESERVED / "pending").iterdir():
            with disk.exclusively(root / RESERVED / "locks" / note.name[:2]):
                if note.is_symlink():
                    History(root, str(note.readlink()), shown).recover()
                    swept += 1
        return swept

    def _commit(self, prepare: Callable[[], None], commit: Callable[[], None]) -> None:
        self._pending.symlink_to(self._key)
        try:
            disk.make_folders(self._dir)
            prepare()
            commit()
        except BaseException:
            self.recover()
            raise
        self._pending.unlink()

    def _write(self, record: Record) -> None:
        disk.write_whole(self._dir / (record.version + _RECORD), json.dumps(asdict(record)).encode())

    def _prune(self) -> None:
        disk.prune_folders(self._dir, self._tree)
        disk.prune_folders(self._view.parent, self._root)

    # the plain path

    def _show(self, record: Record | None, *, instead_of: Record | None) -> None:
        """Make the plain path show `record`. Where nothing was visible nothing may be overwritten."""
        if record is None:
            if instead_of is not None or self._view_is_ours():
                self._view.unlink(missing_ok=True)
            return
        data = self.bytes_of(record.version)
        if instead_of is None:
            self._claim(data)
        elif data.exists() and not (self._view.exists() and self._view.samefile(data)):
            beside = self._dir / "view"
            beside.unlink(missing_ok=True)
            os.link(data, beside)
            self._in_folder(lambda: beside.replace(self._view))

    def _claim(self, data: Path) -> None:
        """Link where nothing lies yet: the file system picks one winner."""
        try:
            self._in_folder(lambda: os.link(data, self._view))
        except FileExistsError:
            if self._view.is_dir():
                problem = "cannot be put because other objects lie below it: choose another key"
                raise InvalidKey(f"The {self._shown(self._key)} {problem}.") from None
            problem = "cannot be put because a file that the store did not write is in its place: move that"
            raise ForeignFile(f"The {self._shown(self._key)} {problem}.") from None
        except NotADirectoryError:
            problem = "cannot be put below another object: choose another key"
            raise InvalidKey(f"The {self._shown(self._key)} {problem}.") from None

    def _in_folder(self, place: Callable[[], object]) -> None:
        """Put something at the plain path, in a folder that others may prune while it is empty."""
        while True:
            disk.make_folders(self._view.parent)
            try:
                place()
                return
            except FileNotFoundError:
                if self._view.parent.is_dir():
                    raise

    def _view_is_ours(self) -> bool:
        if not self._view.is_file() or not self._dir.is_dir():
            return False
        return any(file.samefile(self._view) for file in self._dir.iterdir() if file.suffix == _BYTES)


def _with_bytes(record: Record | None) -> Record | None:
    return None if record is None or record.marker else record


def _version_after(newest: Record | None) -> str:
    """Sorts after `newest`, whatever the clock says."""
    number = int(newest.version.split("-")[0]) + 1 if newest else 1
    return f"{number:010d}-{secrets.token_hex(6)}"
