"""What can keep an embedded stack from standing, each as one sentence with a remedy.

A full disk or a folder of somebody else reaches this room as a bare OSError or as a line in the
server's log; a user must learn what to do without reading either.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genuka_pipelines.catalog.errors import GenukaError

NO_SPACE = "No space left on device"


class StackUnavailable(GenukaError):
    """The embedded databases or stores cannot be brought up, reached or taken down."""


class UnusableHome(StackUnavailable):
    """The folder of state cannot be written, or holds what is not ours to touch."""


class DiskFull(StackUnavailable):
    """There is no room for the data: nothing was lost, but nothing more can be kept."""


def disk_full(folder: Path) -> DiskFull:
    """The one sentence about a full disk."""
    return DiskFull(f"the disk that holds {folder} is full: free some space or set GENUKA_HOME to another disk")


@contextmanager
def told_in_a_sentence(folder: Path) -> Iterator[None]:
    """Turn what the operating system says about a folder into a sentence for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder) from None
        place = error.filename if isinstance(error.filename, str) else folder
        raise UnusableHome(
            f"{place} cannot be used ({error.strerror}): make it writable or choose another GENUKA_HOME"
        ) from None
