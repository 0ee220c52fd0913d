"""The folder of state: whose it is, who is working in it, and what in it is ours.

Two `genuka up` at once must become one server, and `genuka down --wipe` must never remove a folder
that this program did not make; so the home has one lock and every folder made carries the home's mark.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from genuka_pipelines.demo.embedded.errors import StackUnavailable, UnusableHome, told_in_a_sentence
from genuka_pipelines.demo.embedded.mark import Mark, read_mark, write_mark

_LOCK = "stack.lock"
_PATIENCE = 180.0


def make_private(folder: Path) -> None:
    """Make a folder for its owner alone; an existing one keeps its mode."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def sole_worker(home: Path) -> Iterator[None]:
    """Hold the home for one process at a time; a killed process lets go of it by itself.

    Raises UnusableHome when the home cannot be written, StackUnavailable after three minutes of waiting.
    """
    with told_in_a_sentence(home):
        if not home.exists():
            make_private(home)
            # keys and data are never committed; a folder that was there before keeps its own rules
            (home / ".gitignore").write_text("*\n")
        # not inherited by the server, which would else hold the lock for as long as it lives
        descriptor = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(descriptor, home)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StackUnavailable(
                    f"another `genuka up` or `down` has held {home} for three minutes: end it, then try again"
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise UnusableHome(
                f"{home} is on a disk without locks ({error.strerror}): set GENUKA_HOME to a local folder"
            ) from None
        else:
            return


def make_folders(home: Path, stores: Iterable[str]) -> None:
    """The keys' folder and the stores' folders; raises UnusableHome when `stores/` is somebody else's."""
    make_private(home / "keys")
    shelf = home / "stores"
    for store in stores:
        if read_mark(shelf) is None:
            make_private(shelf)
            if any(shelf.iterdir()):
                raise UnusableHome(f"{shelf} was not made by `genuka up`: move it away or choose another GENUKA_HOME")
            write_mark(shelf, Mark("stores"))
        make_private(shelf / store)
