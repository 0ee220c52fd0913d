"""The private folder of one export: what a killed one finished is used again, if it is still what is read.

A part is known by the digest of the rows it was made of, so a part of rows that have changed since is never found;
and its own bytes are compared with what was noted of them before they are taken.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from genuka_pipelines.exports.errors import NoRoom

BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class File:
    """A finished file: its bytes and their SHA-512 in hex."""

    path: Path
    size: int
    sha512: str


class Work:
    """One request's folder (mode 0700, below the house's own)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
        root.chmod(0o700)

    def folder(self, *parts: str) -> Path:
        """A folder inside."""
        path = self.root.joinpath(*parts)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def began(self, day: date) -> date:
        """The day on which the request was begun, remembered: a run after midnight makes the same bytes."""
        path = self.root / "begun"
        if not path.exists():
            write(path, lambda out: out.write(day.isoformat().encode()))
        return date.fromisoformat(path.read_text(encoding="utf-8"))

    def part(self, folder: Path, name: str, make: Mapping[str, Callable[[BinaryIO], object]]) -> dict[str, File]:
        """The files of a part, made unless they are there and whole."""
        note = folder / f"{name}.json"
        known = _noted(note)
        if known is None or set(known) != set(make):
            files = {kind: write(folder / f"{name}.{kind}", content) for kind, content in make.items()}
            said = {kind: [one.size, one.sha512] for kind, one in files.items()}
            write(note, lambda out: out.write(json.dumps(said, sort_keys=True).encode()))
            return files
        return known

    def remove(self) -> None:
        """The plaintext goes as soon as nobody needs it."""
        shutil.rmtree(self.root)


def _noted(note: Path) -> dict[str, File] | None:
    """What a note says, if all of it is still so."""
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        files = {kind: File(note.with_name(f"{note.stem}.{kind}"), *of) for kind, of in said.items()}
        whole = all(hashed(one.path) == one for one in files.values())
    except (OSError, ValueError, TypeError):
        return None
    return files if whole else None


def hashed(path: Path) -> File:
    """A file as it is."""
    state = hashlib.sha512()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            state.update(block)
    return File(path, path.stat().st_size, state.hexdigest())


def write(path: Path, content: Callable[[BinaryIO], object]) -> File:
    """Write a file whole or not at all, mode 0600; what a loss of power tears is told by its hash."""
    written = put(path, content, "sha512")
    return File(path, written.size, written.state.hexdigest())


def put(path: Path, content: Callable[[BinaryIO], object], kind: str) -> Hashing:
    """Write a file as `write` does; what was written, with its hash of that kind."""
    aside = path.with_name(path.name + ".half")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        hashing = Hashing(out, kind)
        content(hashing)  # type: ignore[arg-type]
    aside.rename(path)
    return hashing


class Hashing:
    """A file to write to that knows what was written."""

    def __init__(self, out: BinaryIO, kind: str) -> None:
        self._out, self.size, self.state = out, 0, hashlib.new(kind)

    def write(self, data: bytes) -> int:
        """Write, and remember."""
        self.state.update(data)
        self.size += len(data)
        return self._out.write(data)

    def tell(self) -> int:
        """How much was written."""
        return self.size


@contextmanager
def room() -> Iterator[None]:
    """Say a full disk in one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or "No space left" in str(error):
            raise NoRoom(
                "the disk of the export's folder, or of the one it is copied into, is full: free some room and run the "
                "same again; nothing was delivered"
            ) from None
        raise
