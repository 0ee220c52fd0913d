"""A small synthetic Genuka to sweep: seeded once on the shared test server, copied for each story.

Seeding takes seconds and a sweep destroys what was seeded; a copy of a database takes a tenth of a second.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.control import Scope
from genuka_pipelines.control.tables import leases
from genuka_pipelines.demo.filling import fill
from genuka_pipelines.retention.sweeping import Sweep, plan_sweep, sweep_due
from genuka_pipelines.rows.declared import Home
from genuka_pipelines.rows.destroying import Limits
from genuka_pipelines.runtime import Runtime, prepare
from genuka_pipelines.settings import load_settings
from genuka_pipelines.settings.names import STORES
from genuka_pipelines.stores.open import open_store
from tests.scenarios.houses import ROOT, House
from tests.servers import Kind, fresh_control, fresh_database, quick_disk

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
COMPANIES, DAYS = 30, 20
DATABASES = {"genuka": "DATABASE_URL", "genletter": "GENLETTER_URL", "dedicated": "TENANT_DSN__DEDICATED_01"}
QUICK = Limits()
SMALL = Limits(first=12, least=4, most=12, window=60, lease=timedelta(seconds=30))
"""Many batches out of few rows."""
BRIEF = replace(SMALL, lease=timedelta(seconds=1))
"""The same, with a short wait for what a killed process had reserved; on a busy machine a living one may lose it."""


def wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Seeded:
    """Where a seeding lies: databases to be copied, by use, and a folder of stores."""

    kind: Kind
    databases: Mapping[str, sa.URL]
    folder: Path


@dataclass
class World:
    """A house over a copy of a seeding; `opened()` gives it anew, for another process or other settings."""

    env: dict[str, str]
    folder: Path

    @cached_property
    def runtime(self) -> Runtime:
        return Runtime(load_settings(self.env))

    @property
    def house(self) -> House:
        """The `genuka` command in it."""
        return House(self.folder, {**_outside(), **self.env, "PYTHONPATH": str(ROOT), "COLUMNS": "200"})

    def opened(self, **settings: str) -> World:
        """The same house, opened once more."""
        return replace(self, env={**self.env, **settings})

    def close(self) -> None:
        if "runtime" in self.__dict__:
            self.runtime.close()
            del self.__dict__["runtime"]

    def plan(self, as_of: datetime, *categories: str) -> Sweep:
        return plan_sweep(self.runtime, as_of=as_of, now=wall(), categories=categories or None)

    def sweep(self, as_of: datetime, *categories: str, limits: Limits = QUICK, **options: Any) -> Sweep:
        return sweep_due(self.runtime, as_of=as_of, clock=wall, categories=categories or None, limits=limits, **options)

    def sweep_in_a_process(self, as_of: datetime, *categories: str, limits: Limits) -> int:
        """Begin a sweep in a process of its own; it exits with 0 where nothing is left over or unknown."""
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            fresh = self.opened()  # the parent's connections are not ours
            fresh.runtime.__dict__["catalog"] = self.runtime.catalog
            fresh.sweep(as_of, *categories, limits=limits).refuse_survivors()
            code = 0
        finally:
            os._exit(code)

    def hold(self, scope: Scope, *, kind: Any = "hold", reason: Any = "legal_claim", **options: Any) -> str:
        options = {"reference": "case-7", "author": "staff-7", "now": wall(), "keys": self.runtime.keyring, **options}
        return self.runtime.control.holds.add(scope, kind=kind, reason=reason, **options).id

    def run_leases_out(self) -> None:
        """As if a killed process had been dead for longer than what it had reserved."""
        with self.runtime.control._database.begin() as connection:
            connection.execute(sa.delete(leases))

    def release(self, hold: str) -> None:
        self.runtime.control.holds.release(hold, by="staff-7", now=wall())

    def homes(self, as_of: datetime = AS_OF) -> Iterator[tuple[str, Home]]:
        """Every operational database of the house, with its system."""
        for system in ("genuka_database", "genletter_database"):
            found = self.runtime.databases(system).homes(self.runtime.catalog, as_of)
            assert not found.unknown
            yield from ((system, home) for home in (found.shared, *found.dedicated.values()))

    def run(self, *statements: str, database: str = "genuka") -> None:
        """Change rows as the application would."""
        with self._engine(database).begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def ids(self, query: str, database: str = "genuka") -> set[str]:
        """The first column of a query."""
        with self._engine(database).connect() as connection:
            return {str(row[0]) for row in connection.exec_driver_sql(query)}

    def _engine(self, database: str) -> sa.Engine:
        return sa.create_engine(self.env[f"GENUKA_{DATABASES[database]}"], poolclass=sa.NullPool)


@contextmanager
def seeding(kind: Kind = "postgresql") -> Iterator[Seeded]:
    """A seeding on the shared server of a kind."""
    folder = Path(tempfile.mkdtemp(prefix="gs", dir=quick_disk()))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        urls = {name: stack.enter_context(fresh_database(kind)) for name in DATABASES}
        world = stack.enter_context(_world(urls, folder))
        fill_world(world)
        world.close()
        yield Seeded(kind, urls, folder)


@functools.cache
def shared_seeding(kind: Kind = "postgresql") -> Seeded:
    """The one seeding of a kind in this run, only ever copied."""
    stack = ExitStack()
    owner = os.getpid()
    found = stack.enter_context(seeding(kind))
    # a forked sweep inherits this duty, but not the databases
    atexit.register(lambda: stack.close() if os.getpid() == owner else None)
    return found


def fill_world(world: World) -> None:
    """Seed the demo into a world's databases and stores."""
    settings = load_settings(world.env)
    prepare(settings, started=False, now=wall())
    fill(settings, companies=COMPANIES, days=DAYS, seed=1, as_of=AS_OF, plant=False, progress=lambda _: None)


@contextmanager
def copied(seeded: Seeded, **settings: str) -> Iterator[World]:
    """A copy of a seeding, with a control database of its own; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gw", dir=quick_disk()))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        shutil.copytree(seeded.folder, folder, dirs_exist_ok=True)
        urls = {
            name: stack.enter_context(fresh_database(seeded.kind, template=str(url.database)))
            for name, url in seeded.databases.items()
        }
        world = stack.enter_context(_world(urls, folder, **settings))
        prepare(load_settings(world.env), started=False, now=wall())
        yield world


@contextmanager
def _world(urls: Mapping[str, sa.URL], folder: Path, **settings: str) -> Iterator[World]:
    with ExitStack() as stack:
        control = stack.enter_context(fresh_control())
        world = World(environment({**urls, "control": control}, folder, **settings), folder)
        stack.callback(world.close)
        yield world


def environment(urls: Mapping[str, sa.URL], folder: Path, **settings: str) -> dict[str, str]:
    """The variables that lead to these databases (genuka, genletter, dedicated, control) and to stores in a folder."""
    named = {**DATABASES, "control": "CONTROL_URL"}
    env = {f"GENUKA_{named[use]}": url.render_as_string(hide_password=False) for use, url in urls.items()}
    for name in STORES:
        open_store(f"file://{folder}/stores/{name}", name=name, create=True)
        env[f"GENUKA_STORE_{name.upper()}"] = f"file://{folder}/stores/{name}"
    for name in ("posthog", "tawk_to"):
        env[f"GENUKA_{name.upper()}_URL"] = f"file://{folder}/services/{name}"
        open_store(f"file://{folder}/services/{name}", name=name, create=True, private_keys=True)
    return {**env, "GENUKA_HOME": str(folder), **settings}


def _outside() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GENUKA_")}
