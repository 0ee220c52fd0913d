"""Replaces a folder of files as one: readers see the old one or the new one, never half of each.

Files renamed one by one would leave, after a crash, shards of two runs under two keys in one table;
so a table is a link to a generation, and only the link changes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from genuka_pipelines.analytics.errors import CannotStage


@contextmanager
def new_generation(folder: Path, name: str, *, keep: Collection[str] = ()) -> Iterator[Path]:
    """An empty folder that becomes `folder/name` at the end, unless an error ends it first.

    Files of the present generation that are named in `keep` are in the new one too. A second caller
    waits for the first; what a killed one left behind is removed. Raises CannotStage where the folder
    cannot be written.
    """
    try:
        with _alone(folder, name):
            link = folder / name
            _remove_leftovers(folder, name, link)
            made = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
            try:
                yield made
                for kept in keep:
                    if (link / kept).is_file():
                        os.link(link / kept, made / kept)
                _settle(made)
                _point(link, made)
            finally:
                _remove_leftovers(folder, name, link)
    except OSError as error:
        raise CannotStage(
            f"the staged table '{name}' cannot be written to {folder}: {error.strerror or 'the disk failed'}; "
            "free space or correct the folder's rights"
        ) from None


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _settle(folder: Path) -> None:
    """Bring the files and their names to the disk before anything points at them."""
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _point(link: Path, target: Path) -> None:
    aside = link.with_name(f".{link.name}.link")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target.name, target_is_directory=True)
    if link.is_dir() and not link.is_symlink():
        # Copied by hand, without its link: it makes way under a name that is cleared below.
        link.rename(link.with_name(f".{link.name}.copied"))
    aside.replace(link)


def _remove_leftovers(folder: Path, name: str, link: Path) -> None:
    """Every generation but the one that the link points at."""
    current = link.readlink().name if link.is_symlink() else None
    for path in folder.glob(f".{name}.*"):
        if path.is_dir() and not path.is_symlink() and path.name != current:
            shutil.rmtree(path)
