"""Which process is our server, if any.

A pid file outlives a killed server, and its number may by now belong to somebody's editor: a signal
goes only to a `postgres` process that works in our data folder.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from genuka_pipelines.demo.embedded.errors import StackUnavailable

_PID_FILE = "postmaster.pid"


def running(data: Path) -> psutil.Process | None:
    """The live server of this data folder, or None."""
    try:
        process = psutil.Process(int((data / _PID_FILE).read_text().split("\n", 1)[0]))
    except (FileNotFoundError, NotADirectoryError, ValueError, psutil.Error):
        return None
    return process if _works_in(process, data) else None


def clear_remains(data: Path) -> None:
    """After a server was killed: end its orphans, and drop a pid file that names a stranger or nobody.

    A pid file that names a dead process stays: from it PostgreSQL finds the shared memory to check.
    """
    orphans = [process for process in _postgres_processes() if _works_in(process, data)]
    for orphan in orphans:
        orphan.kill()
    psutil.wait_procs(orphans, timeout=10)
    file = data / _PID_FILE
    try:
        if psutil.pid_exists(int(file.read_text().split("\n", 1)[0])):
            file.unlink()
    except ValueError:
        file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        pass


def stop(process: psutil.Process, data: Path) -> None:
    """End a server: politely with a checkpoint, else at once with recovery at the next start."""
    polite = [(signal.SIGINT, 60), (signal.SIGQUIT, 10)]
    try:
        frozen = process.status() == psutil.STATUS_STOPPED
        for number, seconds in [*([] if frozen else polite), (signal.SIGKILL, 10)]:
            process.send_signal(number)
            with suppress(psutil.TimeoutExpired):
                process.wait(seconds)
                break
        else:
            raise StackUnavailable(
                f"the PostgreSQL server (process {process.pid}) does not end: end it by hand"
            )
    except psutil.NoSuchProcess:
        pass
    clear_remains(data)


def _postgres_processes() -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").startswith("postgres"):
            yield process


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and process.name().startswith("postgres")
            and Path(process.cwd()) == data.resolve()
        )
    except psutil.Error:
        return False
