"""Files that survive a crash: private modes, fsync before a name appears, locks that die with us.

A store's promises rest on these few steps; written anew in each place, one of them would forget the
fsync or the mode, and a full disk would surface as a traceback.
"""

# Paths are strings here: see History.
# ruff: noqa: PTH102, PTH105, PTH106, PTH108, PTH116, PTH120, PTH208
from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from genuka_pipelines.stores.errors import (
    InvalidKey,
    NoSuchFolder,
    NotAllowed,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
)
from genuka_pipelines.stores.naming import Shown

_ATTEMPTS = 1000
_SMALL = 1 << 16

_CHANGED = (NoSuchFolder, "is gone or was changed by another program: put it back")
_NAMED: dict[int, tuple[type[StoreError], str]] = {
    errno.ENOSPC: (StoreFull, "has no room left: free some space and try again"),
    errno.EDQUOT: (StoreFull, "has used up its quota: free some space and try again"),
    errno.EROFS: (NotAllowed, "is on a read-only file system: mount it writable"),
    errno.EACCES: (NotAllowed, "is closed to this user: give this user read and write access"),
    errno.EPERM: (NotAllowed, "does not allow hard links or belongs to another user: use a local folder"),
    errno.EOPNOTSUPP: (StoreRefused, "cannot make hard links: use a local file system"),
    errno.EXDEV: (StoreRefused, "spans several file systems: keep the whole folder on one"),
    errno.ENOLCK: (StoreRefused, "cannot lock files: use a local file system"),
    errno.ENAMETOOLONG: (InvalidKey, "lies too deep for a key of that length: use a shorter key or folder"),
    errno.EIO: (StoreUnreachable, "fails to read or write: check the disk"),
    errno.ESTALE: (StoreUnreachable, "was unmounted: mount it again"),
    errno.EMFILE: (StoreUnreachable, "cannot be used: this process has too many open files"),
    errno.ENOENT: _CHANGED,
    errno.ENOTDIR: _CHANGED,
    errno.EISDIR: _CHANGED,
}


class disk_errors:  # noqa: N801 - used as a function; entered for every step of every object
    """Turn the operating system's errors into ours, without the path (it may hold a private key)."""

    __slots__ = ("_shown",)

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            code = error.errno or 0
            named, what = _NAMED.get(code, (StoreRefused, f"failed with {errno.errorcode.get(code, 'an error')}"))
            raise named(f"The folder of store {self._shown.store} {what}.") from None


def kind_of(file: str, *, follow: bool = True) -> int:
    """What lies at a path, as `stat.S_IFDIR` and the like; 0 for nothing. A disk that fails is no nothing."""
    try:
        return stat.S_IFMT(os.stat(file, follow_symlinks=follow).st_mode)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return 0
        raise


def read_small(file: str) -> bytes:
    """The bytes of a small file."""
    fd = os.open(file, os.O_RDONLY)
    try:
        data = os.read(fd, _SMALL)
        while more := os.read(fd, _SMALL):
            data += more
        return data
    finally:
        os.close(fd)


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable, and on journaling file systems all that was named before."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folders(folder: str) -> None:
    """Like `mkdir -p`, every new folder 0700, also while others prune empty ones."""
    for _ in range(_ATTEMPTS):
        try:
            os.mkdir(folder, 0o700)
            return
        except FileExistsError:
            if kind_of(folder) == stat.S_IFDIR:
                return
            raise NotADirectoryError(errno.ENOTDIR, "a file is in the way") from None
        except FileNotFoundError:
            make_folders(os.path.dirname(folder))
    raise FileNotFoundError(errno.ENOENT, "the folder keeps vanishing")


def prune_folders(folder: str, top: str) -> None:
    """Remove empty folders from `folder` upwards, stopping below `top`."""
    while folder != top:
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                return
            raise
        folder = os.path.dirname(folder)


def write_whole(file: str, data: bytes) -> None:
    """Put a small file in place, old or new, never half; a failure may leave `.new` beside it."""
    unfinished = f"{file}.new"
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(unfinished, file)
    sync_folder(os.path.dirname(file))


@contextmanager
def exclusively(file: str) -> Iterator[None]:
    """Hold a lock that the system lifts if we die; works between threads and processes."""
    fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)  # closing is not enough if a child process holds a copy
    finally:
        os.close(fd)


class Scratch:
    """A file being written, locked while its writer lives so that the dead ones can be swept."""

    path: str
    _fd: int

    def __init__(self, folder: str, shown: Shown) -> None:
        self._folder, self._shown = folder, shown

    def __enter__(self) -> Self:
        with disk_errors(self._shown):
            while True:
                self.path = f"{self._folder}/{secrets.token_hex(8)}"
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(self._fd, fcntl.LOCK_EX)
                if kind_of(self.path):
                    return self
                os.close(self._fd)  # a sweeper came between the two calls

    def __exit__(self, *exc: object) -> None:
        with disk_errors(self._shown):
            remove(self.path)  # gone already if it was renamed into place
            os.close(self._fd)

    def write(self, data: bytes) -> None:
        """Append all of `data`, or StoreFull and the like."""
        with disk_errors(self._shown):
            _write(self._fd, data)

    def sync(self) -> None:
        """All bytes on disk."""
        with disk_errors(self._shown):
            os.fsync(self._fd)


def remove(file: str) -> None:
    """Remove a file, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(file)


def abandoned(scratch: str) -> bool:
    """Whether no living writer holds that scratch file."""
    try:
        fd = os.open(scratch, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def sweep_scratch(folder: str) -> int:
    """Remove what dead writers left; return how many files."""
    dead = [file for name in os.listdir(folder) if abandoned(file := f"{folder}/{name}")]
    for file in dead:
        remove(file)
    return len(dead)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
