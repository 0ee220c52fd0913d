"""One embedded house for all stories: set up, filled and demonstrated once by the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPANIES, DAYS = 40, 20


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one object on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class House:
    """A folder of state, and the `genuka` command that works in it."""

    home: Path
    env: dict[str, str]

    def genuka(self, *arguments: str, **env: str) -> Said:
        """Run one command in a process of its own."""
        command = [sys.executable, "-c", "from genuka_pipelines.cli.main import run; run()", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**self.env, **env}, cwd=ROOT, check=False, timeout=400
        )
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def empty_house() -> Iterator[House]:
    """A house where nothing was started yet."""
    home = Path(tempfile.mkdtemp(prefix="gh", dir="/tmp"))
    env = {k: v for k, v in os.environ.items() if not k.startswith("GENUKA_")}
    house = House(home, {**env, "GENUKA_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "200"})
    yield house
    house.genuka("down", "--wipe")
    shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Demonstrated:
    """A house after its demo, and what the demo said."""

    house: House
    said: Said


@pytest.fixture(scope="session")
def demo(empty_house: House) -> Demonstrated:
    """The demo, run once at a small size."""
    size = ("--companies", str(COMPANIES), "--days", str(DAYS))
    return Demonstrated(empty_house, empty_house.genuka("demo", *size, "--json"))
