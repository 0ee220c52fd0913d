"""Many small objects in a folder store at once, for things whose loss costs nothing.

Put one by one, each is synced to the disk several times over, and a demo of thousands would wait for
minutes. Nothing here survives a crash for certain, so nothing real may ever be written this way.
"""

# Paths are strings here: see History.
# ruff: noqa: PTH120
from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from genuka_pipelines.stores.errors import ForeignFile
from genuka_pipelines.stores.folder import disk
from genuka_pipelines.stores.folder.history import History, Record
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.naming import RESERVED, Shown, check_key


def refill(path: Path, objects: Iterable[tuple[str, bytes]], *, name: str, now: datetime) -> int:
    """Make these the only objects of the store in a folder, which is made where it is missing; returns how many.

    ForeignFile where it holds objects that no refill put there. Nobody else may use the store
    meanwhile; cut short, it holds some of the objects, and another refill mends it.
    """
    FolderStore(path, name=name, create=True, private_keys=True)
    shown, mark = Shown(name, private=True), path / RESERVED / "refilled"
    with disk.disk_errors(shown):
        if not mark.exists() and any((path / RESERVED / "versions").iterdir()):
            raise ForeignFile(f"The folder of store {name} holds objects of its own: give an empty folder.")
        mark.touch(0o600)
        _empty(path.absolute())
        filling = _Filling(str(path.absolute()), shown, now)
        return sum(filling.add(key, data) for key, data in objects)


def _empty(root: Path) -> None:
    tree = root / RESERVED / "versions"
    for folder, names, _ in os.walk(tree):
        if RESERVED in names:
            (root / Path(folder).relative_to(tree)).unlink(missing_ok=True)
            names.remove(RESERVED)
    for shelf in tree.iterdir():
        with suppress(OSError):  # files of others may lie there
            (root / shelf.name).rmdir()
    shutil.rmtree(tree)
    disk.make_folders(str(tree))


class _Filling:
    """One refill at work; folders that many keys share are made once."""

    def __init__(self, root: str, shown: Shown, now: datetime) -> None:
        self._root, self._shown, self._now = root, shown, now.isoformat()
        self._made: set[str] = set()

    def add(self, key: str, data: bytes) -> int:
        check_key(key, self._shown)
        record = Record(key, f"{1:010d}-{secrets.token_hex(6)}", len(data), sha256(data).hexdigest(), self._now)
        file, view = History(self._root, key, self._shown).bytes_of(record.version), f"{self._root}/{key}"
        folder = os.path.dirname(file)
        of_key = os.path.dirname(folder)
        for shared in {os.path.dirname(of_key), os.path.dirname(view)} - self._made:
            disk.make_folders(shared)
            self._made.add(shared)
        disk.make_folders(of_key)
        disk.make_folders(folder)
        _put(file, data)
        os.link(file, view)
        _put(f"{folder}/{record.version}.json", record.written())  # last: with its record the object exists
        return 1


def _put(file: str, data: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, data)
    finally:
        os.close(handle)
