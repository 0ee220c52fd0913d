"""An export that is killed anywhere, for good and without a word: the next run gives the identical archive.

`kill -9` at random moments; meanwhile nothing half made is where a tenant would look, and no copy of its rows stays
on the server of trials.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import open_control
from genuka_pipelines.exports import Archive, delivery_of
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.database import Database
from tests.conftest import ROUNDS, SEED
from tests.exports.test_archive import forget
from tests.exports.world import ALPHA, NOW, SYSTEM, TENANTS, TO, ExportHouse, emptied, fill
from tests.servers import Kind

KILLS = 4


def killed(house: ExportHouse, after: float) -> bool:
    """Export in a process of its own and kill that; whether it was still at work."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with ExitStack() as stack:
                anew(house, stack).export(ALPHA, "killed")
            code = 0
        finally:
            os._exit(code)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status)


def anew(house: ExportHouse, stack: ExitStack) -> ExportHouse:
    """The house as another process opens it: the parent's connections are not ours."""
    url = house.control._database.engine.url.render_as_string(hide_password=False)
    databases = Databases(
        stack.enter_context(Database(house.shared.url, name=SYSTEM)), tenants=TENANTS, url_of=house.opened._url_of
    )
    stores = {name: FolderStore(house.folder / name, name=name) for name in house.stores}
    return replace(house, control=stack.enter_context(open_control(url)), opened=databases, stores=stores)


def scratches(house: ExportHouse) -> set[str]:
    """The databases of trials that are there."""
    names = {"postgresql": "SELECT datname FROM pg_database", "mariadb": "SHOW DATABASES"}
    engine = sa.create_engine(house.trial.server, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = {name for (name,) in connection.execute(sa.text(names[house.kind]))}
    return {name for name in found if name.startswith("genuka_export_")}


@dataclass(frozen=True)
class Undisturbed:
    """An export that nobody killed, and the seconds it takes once all is warm."""

    archive: Archive
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(house_on: Callable[[Kind], ExportHouse]) -> Callable[[Kind], tuple[ExportHouse, Undisturbed]]:
    def of(kind: Kind) -> tuple[ExportHouse, Undisturbed]:
        house = filled(house_on(kind))
        forget(house, house.export(ALPHA, "killed").delivery)
        began = time.monotonic()
        archive = house.export(ALPHA, "killed")
        took = time.monotonic() - began
        forget(house, archive.delivery)
        return house, Undisturbed(archive, took)

    return cache(of)


def filled(house: ExportHouse) -> ExportHouse:
    emptied(house)
    fill(house, ALPHA, Random(SEED), customers=3)
    return house


@pytest.fixture
def house(undisturbed: Callable[[Kind], tuple[ExportHouse, Undisturbed]]) -> ExportHouse:
    return undisturbed("postgresql")[0]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, ROUNDS // 25)))
def test_killed_anywhere_the_next_run_gives_the_identical_archive(
    undisturbed: Callable[[Kind], tuple[ExportHouse, Undisturbed]], kind: Kind, seed: int
) -> None:
    """Four kills a round, one after the other into what the one before left, however often a run is too fast."""
    (house, whole), dice = undisturbed(kind), Random(seed)
    folder = house.work / delivery_of(house.keyring, ALPHA, "killed", TO)[:32]
    kills = 0
    while kills < KILLS:
        if killed(house, dice.random() * whole.seconds):
            kills += 1
            assert not folder.exists() or folder.stat().st_mode & 0o777 == 0o700
        else:
            same(house, whole.archive)
    same(house, whole.archive)
    assert not folder.exists()
    assert scratches(house) == set()


def same(house: ExportHouse, whole: Archive) -> None:
    """The next run, or what the last has delivered, is the archive that nobody killed; it is then forgotten."""
    before = {one.key: one.sha256 for one in house.store("exports").list()}
    again = house.export(ALPHA, "killed")
    assert (again.plain, again.rows, again.media) == (whole.plain, whole.rows, whole.media)
    assert before.get(again.key, again.sha256) == again.sha256
    with house.bag(again) as bag:
        assert bag.verify() == whole.media
    forget(house, again.delivery)


def test_what_was_finished_is_used_again_only_as_it_was(house: ExportHouse) -> None:
    made: dict[str, Any] = {}

    class Stopped(Exception):
        pass

    def stop(step: str, *_: int) -> None:
        if step == "pack":
            folder = house.work / delivery_of(house.keyring, ALPHA, "stopped", TO)[:32]
            made.update({str(path.relative_to(folder)): path for path in folder.rglob("tables/*/*")})
            raise Stopped

    with pytest.raises(Stopped):
        house.export(ALPHA, "stopped", progress=stop)
    assert len(made) >= 20
    times = {name: path.stat().st_mtime_ns for name, path in made.items()}
    torn = sorted(name for name in made if name.endswith("csv.gz"))[0]
    made[torn].write_bytes(b"torn by a loss of power")
    with pytest.raises(Stopped):
        house.export(ALPHA, "stopped", progress=stop)
    kept = {name for name, path in made.items() if path.stat().st_mtime_ns == times[name]}
    part = torn.removesuffix(".csv.gz")
    assert {name for name in made if name not in kept} == {name for name in made if name.startswith(part)}
    assert made[torn].read_bytes() != b"torn by a loss of power"


def test_what_was_sealed_is_delivered_as_it_is(house: ExportHouse) -> None:
    class Stopped(Exception):
        pass

    def stop(step: str, *_: int) -> None:
        if step == "deliver":
            raise Stopped

    with pytest.raises(Stopped):
        house.export(ALPHA, "sealed", progress=stop)
    (sealed,) = house.work.rglob("archive.tar.age")
    data, steps = sealed.read_bytes(), []
    archive = house.export(ALPHA, "sealed", progress=lambda step, *_: steps.append(step), directory=house.folder)
    assert steps == ["deliver"]
    assert house.store("exports").get(archive.key) == data
    assert archive.copy is not None
    assert archive.copy.read_bytes() == data
    assert not list(house.folder.glob(".*"))


def test_an_export_after_midnight_goes_on_with_the_day_it_began(house: ExportHouse) -> None:
    whole = house.export(ALPHA, "midnight")
    forget(house, whole.delivery)

    class Stopped(Exception):
        pass

    def stop(step: str, *_: int) -> None:
        if step == "reimport":
            raise Stopped

    with pytest.raises(Stopped):
        house.export(ALPHA, "midnight", progress=stop)
    later = house.export(ALPHA, "midnight", clock=lambda: NOW + timedelta(seconds=20))
    assert later.plain == whole.plain
