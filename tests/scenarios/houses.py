"""Houses to tell stories in: a folder of state each, and the real command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from genuka_pipelines.cli.main import app
from tests.said import Said
from tests.servers import fresh_database, quick_disk

ROOT = Path(__file__).parents[2]


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

    def here(self, *arguments: str, **env: str) -> Said:
        """Run one command in this process: what a command says does not depend on whose process it is."""
        named = {name: value for name, value in self.env.items() if name.startswith("GENUKA_") or name == "COLUMNS"}
        done = CliRunner().invoke(app, arguments, env={**named, **env})
        return Said(done.exit_code, done.stdout, done.stderr)


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


@contextmanager
def demo() -> Iterator[Told]:
    """The demo, run once at a small size."""
    with new_house() as house:
        yield Told(house, house.genuka("demo", "--companies", "30", "--days", "12", "--json"))


@contextmanager
def demo_on_mariadb() -> Iterator[Told]:
    """The same demo with Genuka, Genletter and a dedicated tenant on MariaDB; control and stores stay embedded."""
    with ExitStack() as opened:
        urls = {
            f"GENUKA_{name}": opened.enter_context(fresh_database("mariadb")).render_as_string(hide_password=False)
            for name in ("DATABASE_URL", "GENLETTER_URL", "TENANT_DSN__DEDICATED_01", "DRILL_URL")
        }
        house = opened.enter_context(new_house(**urls))
        yield Told(house, house.genuka("demo", "--companies", "12", "--days", "8", "--json"))


@contextmanager
def seeded_house(*options: str) -> Iterator[Told]:
    """A house that is seeded, with `--plant` with forbidden values, where nothing was asked yet."""
    with new_house() as house:
        up = house.here("up", "--json")
        assert up.code == 0, up.err
        yield Told(house, house.here("seed", "--companies", "12", "--days", "8", *options, "--json"))
