"""A store in a folder: for the embedded stack, for laptops, and for a disk in a safe.

Its locks are emulated: this program refuses to break them, but whoever owns the disk can, so no
clause may rest on them. Current bytes lie at the plain path; everything else under `.store/`.
"""

# Paths are strings here: see History.
# ruff: noqa: PTH108, PTH116, PTH123, PTH208
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from genuka_pipelines.stores.digests import Digest, as_stream, check_announced, digest_of
from genuka_pipelines.stores.errors import (
    AlreadyThere,
    CapabilityUnknown,
    CorruptObject,
    Locked,
    NoSuchFolder,
    NoSuchObject,
    Occupied,
)
from genuka_pipelines.stores.folder import disk
from genuka_pipelines.stores.folder.history import History, Record
from genuka_pipelines.stores.locks import checked_until, refuse_locked, refuse_shorter, utc_now
from genuka_pipelines.stores.naming import RESERVED, Shown, check_key
from genuka_pipelines.stores.reading import ObjectReader, copy_into, read_all
from genuka_pipelines.stores.store import Capabilities, Resistance, Retention, Stored, Unfinished

_FORMAT = b"genuka folder store 1\n"
T = TypeVar("T")
_PLAIN = re.compile(r"(?:[0-9A-Za-z_-][0-9A-Za-z_.-]{0,99}/){0,8}[0-9A-Za-z_-][0-9A-Za-z_.-]{0,99}")
"""Keys such as ours, allowed at a glance; every other is checked sign by sign."""
_PARTS = ("scratch", "pending", "locks", "versions")


class FolderStore:
    """A `Store` under `path`, which must already hold one unless `create`; modes are 0700 and 0600.

    `private_keys`: keys may hold a person's name, so messages show a fingerprint instead.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        create: bool = False,
        private_keys: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self._root = path.absolute()
        self._base = str(self._root)
        self._own = f"{self._base}/{RESERVED}"
        self._seen: tuple[int, ...] = ()
        self._shown = Shown(name, private_keys)
        self._clock = clock
        if create:
            self._create()
        self._check_there()

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
        """Written aside, synced, then linked into place: see `Store.put`."""
        history = self._history(key)
        until = checked_until(retain_until, self._clock(), self._shown) if retain_until else None
        stream = as_stream(data)
        self._check_there()
        if if_absent and (there := self._reading(history.current)):
            digest = digest_of(stream)
            check_announced(digest, sha256, key, self._shown)
            raise self._taken(there, digest, until)
        with disk.Scratch(f"{self._own}/scratch", self._shown) as scratch:
            digest = digest_of(stream, scratch.write)
            check_announced(digest, sha256, key, self._shown)
            scratch.sync()
            with self._changing(history):
                newest = history.newest()
                if not if_absent or newest is None or newest.marker:
                    added = history.add(scratch.path, digest, self._clock(), until, newest)
                    return added.stored(current=True)
        raise self._taken(newest, digest, until)

    def delete(self, key: str, *, version: str | None = None) -> str | None:
        """Bytes stay under `.store/` until their version is deleted: see `Store.delete`."""
        history = self._history(key)
        self._check_there()
        with self._changing(history):
            if version is None:
                there = history.current()
                return history.hide(self._clock(), there).version if there else None
            if record := history.record(version):
                refuse_locked(record.retention(), self._clock(), self._naming(record))
                history.remove(record)
        return None

    def retain(self, key: str, until: datetime, *, version: str | None = None) -> Retention:
        """See `Store.retain`."""
        history = self._history(key)
        until = checked_until(until, self._clock(), self._shown)
        self._find(history, key, version)
        with self._changing(history):
            record, _ = self._find(history, key, version)
            refuse_shorter(record.retention(), until, self._naming(record))
            history.retain(record, until)
        return Retention("emulated", until)

    # reading

    def get(self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None) -> bytes:
        """See `Store.get`."""
        if start < 0 or (length is not None and length < 0):
            raise ValueError("start and length must not be negative")
        if start == 0 and length is None:
            return read_all(self.open(key, version=version))
        record, _ = self._find(self._history(key), key, version)
        with disk.disk_errors(self._shown), self._bytes_of(record) as file:
            file.seek(start)
            return file.read(-1 if length is None else length)

    def open(self, key: str, *, version: str | None = None) -> ObjectReader:
        """See `Store.open`."""
        record, current = self._find(self._history(key), key, version)
        body = _Body(self._bytes_of(record), self._shown)
        return ObjectReader(body, record.stored(current=current), self._shown)

    def read_into(self, key: str, out: BinaryIO, *, version: str | None = None) -> Stored:
        """See `Store.read_into`."""
        return copy_into(self.open(key, version=version), out)

    def head(self, key: str, *, version: str | None = None) -> Stored:
        """See `Store.head`."""
        record, current = self._find(self._history(key), key, version)
        return record.stored(current=current)

    def list(self, prefix: str = "", *, versions: bool = False) -> Iterator[Stored]:
        """Memory grows with the largest single folder of keys, not with the store."""
        self._check_there()
        with disk.disk_errors(self._shown):
            for key in _keys(f"{self._own}/versions", prefix):
                history = History(self._base, key, self._shown)
                if versions:
                    yield from _versions(history)
                elif there := history.current():
                    yield there.stored(current=True)

    def versions(self, key: str) -> tuple[Stored, ...]:
        """Every version and marker of one key, newest first: its neighbours are not looked at."""
        history = self._history(key)
        self._check_there()
        return self._reading(lambda: tuple(_versions(history)))

    def retention(self, key: str, *, version: str | None = None) -> Retention | None:
        """See `Store.retention`."""
        return self._find(self._history(key), key, version)[0].retention()

    # locks and leftovers under attack

    def resistance(self, key: str, *, version: str) -> Resistance:
        """By this program's own refusals, which is all that an emulated lock is: see `Store.resistance`."""
        lock, now = self.retention(key, version=version), self._clock()
        if lock is None or lock.until <= now:
            self.delete(key, version=version)
            return Resistance(deletion=False, shortening=False)
        return Resistance(
            deletion=_refuses(lambda: self.delete(key, version=version)),
            shortening=_refuses(lambda: self.retain(key, now + (lock.until - now) / 2, version=version)),
        )

    def incomplete(self, prefix: str = "") -> Iterator[Unfinished]:  # noqa: ARG002
        """None after this: what a dead writer left has no key yet, so it is swept whatever the prefix."""
        self.sweep()
        return iter(())

    def abort(self, unfinished: Unfinished) -> None:
        """There is none: see `incomplete`."""

    # what it can do

    def capabilities(self) -> Capabilities:
        """Known without trying: a folder's locks are ours and its place is whatever it is called."""
        return Capabilities(
            lock="emulated",
            versioning=True,
            conditional_put="atomic",
            checksums="verified",
            place=None,
            place_declared=True,
        )

    def probe(self) -> Capabilities:
        """Sweep, then try the hard links and file locks that the promises rest on."""
        self.sweep()
        folder = f"{self._own}/scratch"
        with disk.Scratch(folder, self._shown) as one, disk.Scratch(folder, self._shown) as other:
            with disk.disk_errors(self._shown):
                apart = not disk.abandoned(one.path) and _one_winner(one.path, other.path)
            if not apart:
                raise CapabilityUnknown(
                    f"The folder of store {self.name} cannot keep two writers apart: use a local file system."
                )
        return self.capabilities()

    def sweep(self) -> int:
        """Finish or undo what killed writers left; return how many leftovers there were."""
        self._check_there()
        with disk.disk_errors(self._shown):
            return disk.sweep_scratch(f"{self._own}/scratch") + History.sweep(self._base, self._shown)

    # inside

    def _create(self) -> None:
        with disk.disk_errors(self._shown):
            for part in _PARTS:
                disk.make_folders(f"{self._own}/{part}")
            with disk.exclusively(f"{self._own}/locks/format"):
                if not disk.kind_of(f"{self._own}/format"):
                    disk.write_whole(f"{self._own}/format", _FORMAT)

    def _check_there(self) -> None:
        """A missing folder must not read as an empty store. The format is read once, and then looked at."""
        try:
            at = self._reading(lambda: os.stat(f"{self._own}/format"))
            seen = (at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns)
            if seen == self._seen:
                return
            found = self._reading(lambda: disk.read_small(f"{self._own}/format"))
        except NoSuchFolder:
            what = "is not a store yet" if self._root.is_dir() else "does not exist"
            raise NoSuchFolder(
                f"The folder of store {self.name} {what}: mount it, correct its URL, or create the store."
            ) from None
        if found != _FORMAT:
            raise NoSuchFolder(f"The folder of store {self.name} has another format: use the version that wrote it.")
        self._seen = seen

    def _history(self, key: str) -> History:
        if not _PLAIN.fullmatch(key):
            check_key(key, self._shown)
        return History(self._base, key, self._shown)

    def _reading(self, read: Callable[[], T]) -> T:
        with disk.disk_errors(self._shown):
            return read()

    @contextmanager
    def _changing(self, history: History) -> Iterator[None]:
        with disk.disk_errors(self._shown), history.exclusive():
            yield

    def _find(self, history: History, key: str, version: str | None) -> tuple[Record, bool]:
        """The record with bytes, and whether it is the current one."""
        with disk.disk_errors(self._shown):
            record = history.newest() if version is None else history.record(version)
            if record is not None and not record.marker:
                return record, version is None or history.versions()[:1] == [version]
        self._check_there()
        which = "" if version is None else f" in version {version}"
        raise NoSuchObject(f"There is no {self._shown(key)}{which}.")

    def _bytes_of(self, record: Record) -> BinaryIO:
        history = History(self._base, record.key, self._shown)
        try:
            return open(history.bytes_of(record.version), "rb")
        except FileNotFoundError:
            self._find(history, record.key, record.version)  # deleted meanwhile: NoSuchObject
            raise CorruptObject(f"The bytes of {self._naming(record)} are missing: take another copy.") from None

    def _taken(self, there: Record, digest: Digest, until: datetime | None) -> AlreadyThere | Occupied:
        """Read what is there before calling it the same."""
        with self.open(there.key, version=there.version) as reader:
            found = digest_of(reader)
        if found != digest:
            return Occupied(f"Other bytes are already there as {self._naming(there)}: they were left alone.")
        retention = there.retention() if until else None
        return AlreadyThere(f"The {self._naming(there)} is there.", there.stored(current=True), retention)

    def _naming(self, record: Record) -> str:
        return f"{self._shown(record.key)} (version {record.version})"


class _Body:
    """The bytes of a version, with the disk's errors named."""

    def __init__(self, file: BinaryIO, shown: Shown) -> None:
        self._file, self._shown = file, shown
        self.close = file.close

    def read(self, size: int, /) -> bytes:
        with disk.disk_errors(self._shown):
            return self._file.read(size)


def _versions(history: History) -> Iterator[Stored]:
    for place, version in enumerate(history.versions()):
        if record := history.record(version):
            yield record.stored(current=place == 0)


def _refuses(attack: Callable[[], object]) -> bool:
    try:
        attack()
    except Locked:
        return True
    return False


def _one_winner(one: str, other: str) -> bool:
    target = f"{one}.link"
    os.link(one, target)
    try:
        os.link(other, target)
    except FileExistsError:
        return True
    finally:
        os.unlink(target)
    return False


def _keys(tree: str, prefix: str) -> Iterator[str]:
    """Every key ever put under `prefix`, in UTF-8 order, without recursion."""
    open_folders = [_entries(tree, "", prefix)]
    while open_folders:
        for name, below in open_folders[-1]:
            if below:
                open_folders.append(_entries(tree, name, prefix))
                break
            yield name
        else:
            open_folders.pop()


def _entries(tree: str, base: str, prefix: str) -> Iterator[tuple[str, bool]]:
    """(key, False) and (key + "/", True) in order: "a" comes before "a-b", which comes before "a/b"."""
    step, deeper, _ = prefix[len(base) :].partition("/") if prefix.startswith(base) else ("", "", "")
    if deeper:
        # The prefix names the folder: its neighbours, ten thousand perhaps, need not be read.
        if step not in ("", ".", "..", RESERVED):
            yield f"{base}{step}/", True
        return
    try:
        found = os.listdir(f"{tree}/{base}")
    except (FileNotFoundError, NotADirectoryError):
        return  # pruned meanwhile, or an object and no folder
    names = [base + name for name in found if name != RESERVED and (not step or name.startswith(step))]
    both = [(name, False) for name in names] + [(name + "/", True) for name in names]
    for name, below in sorted(both):  # code points sort as UTF-8 does
        if name.startswith(prefix) or (below and prefix.startswith(name)):
            yield name, below
