"""Keys as files: made whole or not at all, readable by their owner alone, destroyed for good.

A half-written key is a key nobody can use again, and two processes that each make "the" key protect
their data with different ones; so every change happens under one lock and by one rename.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genuka_pipelines.keys.errors import KeyFolderUnusable, KeyMissing, KeyUnusable
from genuka_pipelines.keys.secret import Secret

_OURS, _GIVEN = 0o077, 0o037
_LINE = re.compile(rb"([0-9a-f]{64})(?: ([0-9a-f]{16}))?", re.ASCII)


def private_folder(folder: Path, *, create: bool) -> None:
    """Checks a folder of keys, or makes it with mode 0700. KeyMissing, KeyFolderUnusable."""
    try:
        if create:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except FileNotFoundError:
        raise KeyMissing(f"there are no keys in {folder}: `genuka up` makes them") from None
    except OSError as error:
        raise KeyFolderUnusable(
            f"the folder of keys {folder} cannot be used ({error.strerror}): it must be a writable folder"
        ) from None
    if not stat.S_ISDIR(mode) or mode & _OURS:
        raise KeyFolderUnusable(
            f"the folder of keys {folder} has mode {stat.S_IMODE(mode):04o}: "
            "it must be a folder that only its owner opens, mode 0700"
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time changes these keys. What a killed one left half-written is wiped."""
    try:
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeyFolderUnusable(
            f"the folder of keys {folder} cannot be written ({error.strerror}): its owner must run this"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in folder.rglob(".*.tmp"):
            destroy(left)
        yield
    finally:
        os.close(handle)


def read(path: Path, *, given: bool = False) -> bytes:
    """The bytes of a key file; the group may read one `given` by the operator. KeyMissing, KeyUnusable."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise KeyUnusable(f"the key file {path} is not a file: put the key's file there")
        if mode & (_GIVEN if given else _OURS):
            raise KeyUnusable(
                f"the key file {path} has mode {stat.S_IMODE(mode):04o}, so others can use it: "
                f"make it {'0400 or 0440' if given else '0600'}"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise KeyMissing(
            f"the key file {path} is missing: put it back from your copy; a new one would not open or match "
            "what the old one made"
        ) from None
    except OSError as error:
        raise KeyUnusable(f"the key file {path} cannot be read ({error.strerror}): its owner must run this") from None


def read_secret(path: Path, *, given: bool = False) -> Secret:
    """A key of 32 bytes: 64 hex digits, then its id, which is optional in a file made by hand."""
    line = _LINE.fullmatch(read(path, given=given).strip())
    if line is not None and (given or line[2]):
        secret = Secret(bytes.fromhex(line[1].decode()))
        if line[2] in (None, secret.id.encode()):
            return secret
    raise KeyUnusable(
        f"the key file {path} is truncated or altered: put it back from your copy (64 hex digits, then the key's id)"
    )


def new_secret() -> Secret:
    """32 random bytes."""
    return Secret(secrets.token_bytes(32))


def write_secret(path: Path, secret: Secret) -> None:
    """Writes a key so that it exists whole or not at all; the caller holds the lock."""
    write(path, f"{secret.reveal().hex()} {secret.id}\n".encode())


def write(path: Path, data: bytes) -> None:
    """Puts a file in place by one rename, durably, mode 0600; the caller holds the lock."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        _settle(path.parent)
    except OSError as error:
        raise KeyFolderUnusable(f"the key file {path} cannot be written ({error.strerror})") from None


def destroy(path: Path) -> None:
    """Overwrites a file and removes it, durably. A copying or journalling disk may still hold old blocks."""
    try:
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _settle(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise KeyFolderUnusable(f"the key file {path} cannot be destroyed ({error.strerror})") from None


def read_state(path: Path) -> dict[str, Any] | None:
    """A small JSON object without secrets; None when there is none. KeyUnusable when it is no object."""
    if not path.exists():
        return None
    try:
        state = json.loads(read(path))
    except ValueError:
        state = None
    if not isinstance(state, dict):
        raise KeyUnusable(f"{path} is truncated or altered: put it back from your copy")
    return state


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Replaces the object; the caller holds the lock."""
    write(path, json.dumps(state, indent=1, sort_keys=True).encode() + b"\n")


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
