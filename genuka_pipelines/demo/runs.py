"""Runs jobs of this project as Dagster runs them, in a process of their own, and tells how far they are.

Only Dagster's own command line is used, so what the demo shows is what a schedule would do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from genuka_pipelines.catalog.errors import PromiseBroken

Progress = Callable[[str, int], None]
_DONE = re.compile(r" - (STEP_SUCCESS|STEP_FAILURE|STEP_SKIPPED) - ")
_INSTANCE = """# Written once by `genuka demo`; yours to change.
telemetry:
  enabled: false
nux:
  enabled: false
run_retries:
  enabled: false
"""


class RunFailed(PromiseBroken):
    """A Dagster run did not succeed."""


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


def run_job(job: str, *, home: Path, as_of: datetime, progress: Progress, partition: str | None = None) -> Run:
    """Execute one job, or one partition of it, on the persistent instance; `progress(job, steps)` after each step."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as config:
        config.write(f"resources:\n  house:\n    config:\n      as_of: '{as_of.isoformat()}'\n")
        config.flush()
        command = [sys.executable, "-W", "ignore", "-m", "dagster", "job", "execute"]
        # With the attribute named, Dagster need not load the whole house once more to look for it.
        command += ["-m", "genuka_pipelines.definitions", "-a", "defs", "-j", job, "-c", config.name]
        if partition is not None:
            command += ["--tags", json.dumps({"dagster/partition": partition})]
        return _follow(job, command, home, progress)


def _follow(job: str, command: list[str], home: Path, progress: Progress) -> Run:
    env = {**os.environ, "DAGSTER_HOME": str(dagster_home(home)), "GENUKA_HOME": str(home)}
    log = home / "logs" / f"{job}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    steps = 0
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        for line in process.stdout or ():
            kept.write(line)
            # Two writers share the line: what one of them did not end holds both.
            for _ in _DONE.findall(line):
                steps += 1
                progress(job, steps)
    return Run(job, steps, process.returncode == 0)
