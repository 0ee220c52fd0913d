"""Runs jobs of this project as Dagster runs them, in one process beside this one, and tells how far they are.

Only Dagster's own command line is used, so what the demo shows is what a schedule would do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from genuka_pipelines.demo.one_after_another import ENDED

Progress = Callable[[str, int], None]
_DONE = re.compile(r" - (STEP_SUCCESS|STEP_FAILURE|STEP_SKIPPED) - ")
_ENDED = re.compile(re.escape(ENDED) + r" (\d+)")
_INSTANCE = """# Written once by `genuka demo`; yours to change.
telemetry:
  enabled: false
nux:
  enabled: false
run_retries:
  enabled: false
"""


@dataclass(frozen=True)
class Run:
    """A finished run: its job, how many steps ended, and whether all went well."""

    job: str
    steps: int
    succeeded: bool


def dagster_home(home: Path) -> Path:
    """The folder of Dagster's own storage below the folder of state, with its settings file."""
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "dagster.yaml"
    if not file.exists():
        file.write_text(_INSTANCE, encoding="utf-8")
    return folder


@contextmanager
def running(home: Path, *, as_of: datetime) -> Iterator[Callable[..., Run]]:
    """Gives `run(job, progress, partition=None)`: one job after the other, in one process that loads the house once.

    `progress(job, steps)` is called after each step; what a job says is kept in `<home>/logs/<job>.log`.
    """
    env = {**os.environ, "DAGSTER_HOME": str(dagster_home(home)), "GENUKA_HOME": str(home)}
    with (
        tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as config,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "genuka_pipelines.demo.one_after_another"],
            env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        config.write(f"resources:\n  house:\n    config:\n      as_of: '{as_of.isoformat()}'\n")
        config.flush()

        def run(job: str, progress: Progress, partition: str | None = None) -> Run:
            # With the attribute named, Dagster need not load the whole house once more to look for it.
            command = ["job", "execute", "-m", "genuka_pipelines.definitions", "-a", "defs", "-j", job]
            command += ["-c", config.name]
            if partition is not None:
                command += ["--tags", json.dumps({"dagster/partition": partition})]
            return _follow(process, job, command, home, progress)

        yield run
        if process.stdin is not None:
            process.stdin.close()


def _follow(process: subprocess.Popen[str], job: str, command: list[str], home: Path, progress: Progress) -> Run:
    log = home / "logs" / f"{job}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    steps = 0
    with log.open("w", encoding="utf-8") as kept, suppress(BrokenPipeError):
        if process.stdin is None or process.stdout is None:
            return Run(job, steps, False)
        process.stdin.write(json.dumps(command) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            if ended := _ENDED.fullmatch(line.rstrip("\n")):
                return Run(job, steps, ended[1] == "0")
            kept.write(line)
            # Two writers share the line: what one of them did not end holds both.
            for _ in _DONE.findall(line):
                steps += 1
                progress(job, steps)
    return Run(job, steps, False)
