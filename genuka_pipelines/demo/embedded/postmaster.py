"""Which process is our server, if any.

A pid file outlives a killed server, and its number may by now belong to somebody's editor: a signal
goes only to a `postgres` process that works in our data folder.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from genuka_pipelines.demo.embedded.errors import StackUnavailable
from genuka_pipelines.demo.embedded.place import Place

_PID_FILE = "postmaster.pid"
_NOBODY = 2**31 - 2  # above every process number


def running(data: Path) -> psutil.Process | None:
    """The live server of this data folder, or None."""
    try:
        process = psutil.Process(_first_number(data / _PID_FILE))
    except (FileNotFoundError, NotADirectoryError, ValueError, psutil.Error):
        return None
    return process if _works_in(process, data) else None


def clear_remains(place: Place) -> None:
    """After a server was killed: end its orphans, and make its locks say that nobody holds them.

    PostgreSQL believes a lock whose process number lives on, be it a stranger's or an unburied dead's.
    Only the number is changed: by the rest it finds the shared memory that it must see unused.
    """
    end_workers(place.data)
    place.socket.unlink(missing_ok=True)
    place.socket.with_name(f"{place.socket.name}.lock").unlink(missing_ok=True)
    file = place.data / _PID_FILE
    try:
        number, rest = file.read_text().split("\n", 1)
        int(number)
        file.write_text(f"{_NOBODY}\n{rest}")
    except ValueError:
        file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        pass


def end_workers(data: Path) -> None:
    """End at once whatever of PostgreSQL works in a data folder whose master is gone."""
    orphans = [process for process in psutil.process_iter() if _works_in(process, data)]
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    for orphan in orphans:
        ended(orphan, 10)


def stop(process: psutil.Process, place: Place, *, politely: bool = True) -> None:
    """End a server: politely with a checkpoint, else at once with recovery at the next start."""
    firm = [(signal.SIGQUIT, 10), (signal.SIGKILL, 10)]
    steps = [(signal.SIGINT, 60), *firm] if politely else firm
    try:
        # a frozen process hears nothing but the last
        for number, seconds in steps[-1:] if process.status() == psutil.STATUS_STOPPED else steps:
            process.send_signal(number)
            if ended(process, seconds):
                break
        else:
            raise StackUnavailable(f"the PostgreSQL server (process {process.pid}) does not end: end it by hand")
    except psutil.NoSuchProcess:
        pass
    clear_remains(place)


def ended(process: psutil.Process, seconds: float) -> bool:
    """Whether a process ends in time; an unburied one has, for some containers never bury."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def _first_number(file: Path) -> int:
    return int(file.read_text().split("\n", 1)[0])


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        name = process.name()
        if name.startswith("initdb"):
            return f"--pgdata={data}" in process.cmdline()
        return (
            name.startswith("postgres")
            and process.status() != psutil.STATUS_ZOMBIE
            and Path(process.cwd()) == data.resolve()
        )
    except psutil.Error:
        return False
