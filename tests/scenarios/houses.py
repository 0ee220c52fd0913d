"""Houses to tell stories in: a folder of state each, and the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import fresh_database, quick_disk

ROOT = Path(__file__).parents[2]


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


@dataclass(frozen=True)
class Told:
    """A house after the command of its story, and what the command said."""

    house: House
    said: Said


@contextmanager
def new_house(**settings: str) -> Iterator[House]:
    """A house where nothing was started yet; what it starts is stopped and removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="gh", dir=quick_disk()))
    env = {name: value for name, value in os.environ.items() if not name.startswith("GENUKA_")}
    house = House(home, {**env, "GENUKA_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "200", **settings})
    try:
        yield house
    finally:
        house.genuka("down", "--wipe")
        shutil.rmtree(home, ignore_errors=True)


def demo(opened: ExitStack) -> Told:
    """The demo, run once at a small size."""
    house = opened.enter_context(new_house())
    return Told(house, house.genuka("demo", "--companies", "40", "--days", "20", "--json"))


def demo_on_mariadb(opened: ExitStack) -> Told:
    """The same demo with Genuka, Genletter and a dedicated tenant on MariaDB; control and stores stay embedded."""
    urls = {
        f"GENUKA_{name}": opened.enter_context(fresh_database("mariadb")).render_as_string(hide_password=False)
        for name in ("DATABASE_URL", "GENLETTER_URL", "TENANT_DSN__DEDICATED_01")
    }
    house = opened.enter_context(new_house(**urls))
    return Told(house, house.genuka("demo", "--companies", "30", "--days", "15", "--json"))


def planted_house(opened: ExitStack) -> Told:
    """A house seeded with forbidden values, where nothing was asked yet."""
    house = opened.enter_context(new_house())
    up = house.genuka("up", "--json")
    assert up.code == 0, up.err
    return Told(house, house.genuka("seed", "--companies", "30", "--days", "15", "--plant", "--json"))


BEGINNINGS = {story.__name__: story for story in (demo, demo_on_mariadb, planted_house)}
