"""A house with a real control database, folder stores and keys, and the `genuka` command in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from genuka_pipelines.cli.main import app
from genuka_pipelines.control import Control, open_control
from genuka_pipelines.runtime import Runtime, open_runtime, prepare
from genuka_pipelines.settings import load_settings
from genuka_pipelines.stores.open import open_store
from tests.said import Said
from tests.servers import Kind, fresh_control, fresh_database


@dataclass(frozen=True)
class House:
    """Variables of one house."""

    env: dict[str, str]

    def genuka(self, *arguments: str, **env: str) -> Said:
        """Run one command."""
        wide = {"COLUMNS": "240", "GENUKA_DEBUG": ""}
        done = CliRunner().invoke(app, arguments, env={**self.env, **wide, **env})
        return Said(done.exit_code, done.stdout, done.stderr)

    def refused(self, *arguments: str, says: str, **env: str) -> None:
        """One sentence on stderr, nothing on stdout, exit 2."""
        said = self.genuka(*arguments, **env)
        assert (said.code, said.out) == (2, ""), said
        assert said.err.count("\n") == 1, said.err
        assert says in said.err, said.err

    @contextmanager
    def opened(self) -> Iterator[Runtime]:
        """The rooms behind it."""
        with open_runtime(load_settings(self.env)) as runtime:
            yield runtime

    @contextmanager
    def control(self) -> Iterator[Control]:
        """Its control database."""
        with open_control(self.env["GENUKA_CONTROL_URL"]) as control:
            yield control


@contextmanager
def new_house(folder: Path, kind: Kind = "postgresql") -> Iterator[House]:
    """A house that holds nothing yet, with the real facts."""
    stores = {name: folder / "stores" / name for name in ("france", "usa")}
    with fresh_control() if kind == "postgresql" else fresh_database(kind) as url:
        env = {
            "GENUKA_HOME": str(folder / "home"),
            "GENUKA_CONTROL_URL": url.render_as_string(hide_password=False),
            **{f"GENUKA_STORE_{name.upper()}": path.as_uri() for name, path in stores.items()},
        }
        for name, path in stores.items():
            open_store(path.as_uri(), name=name, create=True)
        prepare(load_settings(env), started=False, now=datetime.now(UTC))
        yield House(env)
