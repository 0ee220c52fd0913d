"""Files that survive a crash: private modes, fsync before a name appears, locks that die with us.

A store's promises rest on these few steps; written anew in each place, one of them would forget the
fsync or the mode, and a full disk would surface as a traceback.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def disk_errors(shown: Shown) -> Iterator[None]:
    """Turn the operating system's errors into ours, without the path (it may hold a private key)."""
    try:
        yield
    except OSError as error:
        code = error.errno or 0
        kind, what = _NAMED.get(code, (StoreRefused, f"failed with {errno.errorcode.get(code, 'an error')}"))
        raise kind(f"The folder of store {shown.store} {what}.") from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, and on journaling file systems all that was named before."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folders(folder: Path) -> None:
    """Like `mkdir -p`, every new folder 0700, also while others prune empty ones."""
    for _ in range(_ATTEMPTS):
        try:
            folder.mkdir(0o700)
            return
        except FileExistsError:
            if folder.is_dir():
                return
            raise NotADirectoryError(errno.ENOTDIR, "a file is in the way") from None
        except FileNotFoundError:
            make_folders(folder.parent)
    raise FileNotFoundError(errno.ENOENT, "the folder keeps vanishing")


def prune_folders(folder: Path, top: Path) -> None:
    """Remove empty folders from `folder` upwards, stopping below `top`."""
    while folder != top:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                return
            raise
        folder = folder.parent


def write_whole(file: Path, data: bytes) -> None:
    """Put a small file in place, old or new, never half; a failure may leave `.new` beside it."""
    unfinished = file.with_name(file.name + ".new")
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    unfinished.replace(file)
    sync_folder(file.parent)


@contextmanager
def exclusively(file: Path) -> Iterator[None]:
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

    path: Path
    _fd: int

    def __init__(self, folder: Path, shown: Shown) -> None:
        self._folder, self._shown = folder, shown

    def __enter__(self) -> Self:
        with disk_errors(self._shown):
            while True:
                self.path = self._folder / secrets.token_hex(8)
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(self._fd, fcntl.LOCK_EX)
                if self.path.exists():
                    return self
                os.close(self._fd)  # a sweeper came between the two calls

    def __exit__(self, *exc: object) -> None:
        with disk_errors(self._shown):
            self.path.unlink(missing_ok=True)  # gone already if it was renamed into place
            os.close(self._fd)

    def write(self, data: bytes) -> None:
        """Append all of `data`, or StoreFull and the like."""
        with disk_errors(self._shown):
            _write(self._fd, data)

    def sync(self) -> None:
        """All bytes on disk."""
        with disk_errors(self._shown):
            os.fsync(self._fd)


def abandoned(scratch: Path) -> bool:
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


def sweep_scratch(folder: Path) -> int:
    """Remove what dead writers left; return how many files."""
    dead = [file for file in folder.iterdir() if abandoned(file)]
    for file in dead:
        file.unlink(missing_ok=True)
    return len(dead)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
