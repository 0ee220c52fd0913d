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


class Runner:
    """Runs jobs one after the other in one process, which loads the house once."""

    def __init__(self, process: subprocess.Popen[str], home: Path, config: Path) -> None:
        self._process, self._home, self._config = process, home, config

    def job(self, job: str, progress: Progress, partition: str | None = None) -> Run:
        """Execute one job, or one partition of it; `progress(job, steps)` after each step."""
        # With the attribute named, Dagster need not load the whole house once more to look for it.
        command = ["dagster", "job", "execute", "-m", "genuka_pipelines.definitions", "-a", "defs", "-j", job]
        command += ["-c", str(self._config)]
        if partition is not None:
            command += ["--tags", json.dumps({"dagster/partition": partition})]
        return self._follow(job, command, progress)

    def tick(self, sensor: str, job: str, progress: Progress) -> Run:
        """Look by a sensor once, and run its job for whatever it finds."""
        return self._follow(job, ["genuka_pipelines.ticking", sensor, str(self._config)], progress)

    def _follow(self, job: str, command: list[str], progress: Progress) -> Run:
        log = self._home / "logs" / f"{job}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        steps, into, said = 0, self._process.stdin, self._process.stdout
        with log.open("w", encoding="utf-8") as kept, suppress(BrokenPipeError):
            if into is None or said is None:
                return Run(job, steps, False)
            into.write(json.dumps(command) + "\n")
            into.flush()
            for line in said:
                if ended := _ENDED.fullmatch(line.rstrip("\n")):
                    return Run(job, steps, ended[1] == "0")
                kept.write(line)
                # Two writers share the line: what one of them did not end holds both.
                for _ in _DONE.findall(line):
                    steps += 1
                    progress(job, steps)
        return Run(job, steps, False)


@contextmanager
def running(home: Path, *, as_of: datetime) -> Iterator[Runner]:
    """What runs jobs on the persistent instance of a home; what a job says is kept in `<home>/logs/<job>.log`."""
    env = {**os.environ, "DAGSTER_HOME": str(dagster_home(home)), "GENUKA_HOME": str(home)}
    with (
        tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as config,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "genuka_pipelines.demo.one_after_another"],
            env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        json.dump({"resources": {"house": {"config": {"as_of": as_of.isoformat()}}}}, config)
        config.flush()
        yield Runner(process, home, Path(config.name))
        if process.stdin is not None:
            process.stdin.close()
