"""Things that end by their age alone: objects in a store, files in a folder, runs in Dagster's history.

They have no rows to ask, so the moment at which they were made is the anchor, as the holder tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.catalog.errors import PromiseBroken

if TYPE_CHECKING:
    from genuka_pipelines.stores.store import Store


class NotDestroyed(PromiseBroken):
    """This one file or object could not be removed; others may be."""


@dataclass(frozen=True)
class Old:
    """One thing and when it was made (UTC). `name` may be somebody's and is never shown."""

    name: str = field(repr=False)
    made: datetime
    version: str | None = field(default=None, repr=False)


class Aged(Protocol):
    """Whatever holds things that end by age."""

    def older(self, prefix: str, limit: datetime) -> Iterator[Old]:
        """What was made at `limit` or before, below a prefix."""

    def destroy(self, old: Old) -> None:
        """Remove it for good; no error where it is gone already. NotDestroyed where it alone would not go."""


class AgedObjects:
    """The versions of a store's objects, hidden ones too; the bookkeeping of a delete marker goes with them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def older(self, prefix: str, limit: datetime) -> Iterator[Old]:
        """Every version made at `limit` or before."""
        for stored in self._store.list(prefix, versions=True):
            if stored.created <= limit:
                yield Old(stored.key, stored.created, stored.version)

    def destroy(self, old: Old) -> None:
        """Delete the version; where the store keeps none, the object."""
        from genuka_pipelines.stores.errors import Locked

        try:
            self._store.delete(old.name, version=old.version)
        except Locked:
            raise NotDestroyed(
                f"something in {self._store.name} is locked by the store itself; it goes once its lock is over"
            ) from None


class AgedFiles:
    """The files of one kind below a folder; folders that are left empty go too."""

    def __init__(self, folder: Path, pattern: str = "*") -> None:
        self._folder = folder
        self._pattern = pattern

    def older(self, prefix: str, limit: datetime) -> Iterator[Old]:
        """Every file last written at `limit` or before."""
        start = self._folder / prefix if prefix else self._folder
        for path in sorted(start.rglob(self._pattern)):
            try:
                found = path.lstat()
            except FileNotFoundError:
                # Whoever makes files here also replaces them.
                continue
            made = datetime.fromtimestamp(found.st_mtime, UTC)
            if S_ISREG(found.st_mode) and made <= limit:
                yield Old(path.relative_to(self._folder).as_posix(), made)

    def destroy(self, old: Old) -> None:
        """Remove the file, then the folders that it leaves empty."""
        path = self._folder / old.name
        try:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self._folder or any(parent.iterdir()):
                    break
                parent.rmdir()
        except OSError as error:
            raise NotDestroyed(
                f"a file below {self._folder.name}/ could not be removed ({error.strerror}); give this user the right"
            ) from None
