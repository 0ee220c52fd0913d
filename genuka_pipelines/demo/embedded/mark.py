"""The mark on every folder that this program makes, and the one way to replace a small file.

Without a mark `genuka down --wipe` could remove a folder of somebody else; a half-written one would
make a stack with data look like a stack without.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "embedded.json"


@dataclass(frozen=True)
class Mark:
    """A home's identity, and where its server lives (relative to the home, or absolute)."""

    id: str
    server: str | None = None
    home: str | None = None


def read_mark(folder: Path) -> Mark | None:
    """The mark in a folder; None when there is none or it is not one of ours."""
    try:
        fields = json.loads((folder / MARK).read_bytes())
        return Mark(**fields) if isinstance(fields["id"], str) else None
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Mark a folder as made by this program."""
    write_atomically(folder / MARK, {key: value for key, value in vars(mark).items() if value is not None})


def new_id() -> str:
    """Ten hex digits: short enough for a socket's path."""
    return secrets.token_hex(5)


def write_atomically(file: Path, content: Mapping[str, object]) -> None:
    """Replace a JSON file (mode 0600, owned like its folder): a crash leaves the old one or the new one.

    Its writer must be the only one: `home.sole_worker` sees to that.
    """
    draft = file.with_name(f".{file.name}")
    draft.unlink(missing_ok=True)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(content, stream, indent=2)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        if os.geteuid() == 0:
            owner = file.parent.stat()
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
