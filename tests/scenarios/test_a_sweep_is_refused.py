"""A sweep that must not or cannot: one sentence, the right exit code, and nothing half done left unrecorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.retention.errors import InTheFuture
from genuka_pipelines.rows.destroying import Line
from tests.said import Said
from tests.scenarios.houses import ROOT
from tests.scenarios.sweeping_world import SMALL, Seeded, World, copied, shared_seeding

LATER = datetime(2028, 2, 29, 12, tzinfo=UTC)
CATEGORIES = ("genuka/browser_data", "genuka/server_sessions", "genuka/session_recordings")


@pytest.fixture(scope="module")
def seeded() -> Seeded:
    return shared_seeding()


@pytest.fixture
def world(seeded: Seeded) -> Iterator[World]:
    with copied(seeded) as found:
        yield found


def _count(world: World, *listed: str) -> int:
    return sum(int(next(iter(world.ids(f"select count(*) from {table}")))) for table in listed)


def _everything(world: World) -> int:
    return _count(world, "browser_logs", "sessions", "session_recordings")


def _refused(said: Said, *words: str) -> None:
    """Exit code 2, one line on stderr that says these words, nothing on stdout."""
    assert said.code == 2, said
    assert said.out == ""
    assert said.err.startswith("genuka: ")
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


def _swept_rest(world: World) -> None:
    """Nothing is left open, and the next sweep takes all that is due."""
    world.sweep(LATER, *CATEGORIES).refuse_survivors()
    assert _everything(world) == 0
    assert world.runtime.control.ledger.open_intents() == ()
    assert world.runtime.control.ledger.verify().problems == ()


def test_another_time_only_on_synthetic_data(world: World) -> None:
    """Without the demo's marker a sweep of a day to come is refused, and one of today until it is switched on."""
    world.run("drop table genuka_demo")
    before, head = _everything(world), world.runtime.control.ledger.head().seq
    _refused(world.house.genuka("retention", "sweep", "--as-of", "2028-02-29", "--json"), "2028-02-29", "--as-of")
    _refused(world.house.here("retention", "sweep", "--json"), "go-live retention_sweep")
    for ours in ("own/ledger_and_holds", "own/staging"):
        with pytest.raises(InTheFuture):
            world.sweep(LATER, ours)
    assert _everything(world) == before
    assert world.runtime.control.ledger.head().seq == head, "a refusal destroys nothing, so it intends nothing"
    assert sum(line.due or 0 for line in world.plan(LATER, "genuka/server_sessions").planned) > 0, "a plan may look"


def test_a_category_that_nobody_declared(world: World) -> None:
    before = _everything(world)
    for command in ("plan", "sweep"):
        _refused(world.house.here("retention", command, "--category", "genuka/browserdata"), "genuka/browserdata")
    assert _everything(world) == before


def test_facts_in_a_circle_are_not_swept_by(world: World) -> None:
    assets = world.folder / "assets"
    shutil.copytree(ROOT / "assets", assets)
    file = assets / "genuka" / "customer_databases" / "defs.yaml"
    text = file.read_text()
    assert text.count("\n    products:\n") == 1
    file.write_text(text.replace("\n    products:\n", "\n    products:\n      kept_with: services\n"))
    said = world.house.here("retention", "sweep", "--as-of", "2028-02-29", GENUKA_ASSETS=str(assets))
    _refused(said, "defs.yaml", "products")


def test_a_user_who_may_not_delete(world: World) -> None:
    """The table is said, the intention has its outcome (nothing), and other tables are swept."""
    role = str(world.env["GENUKA_DATABASE_URL"].split("/")[3].split("?")[0]) + "_reader"
    world.run(
        f"create role {role}",
        f"grant select, insert, update, delete on all tables in schema public to {role}",
        f"revoke delete on sessions from {role}",
    )
    try:
        before = _count(world, "sessions")
        limited = world.opened(GENUKA_DATABASE_URL=f"{world.env['GENUKA_DATABASE_URL']}&options=-crole%3D{role}")
        swept = limited.sweep(LATER, *CATEGORIES)
        limited.close()
        said = [line.unknown for line in swept.lines if line.unknown]
        assert said
        assert {line.table for line in swept.lines if line.unknown} == {"sessions"}
        assert _count(world, "sessions") == before
        assert _count(world, "browser_logs", "session_recordings") == 0
        assert world.runtime.control.ledger.open_intents() == ()
        _swept_rest(world)
    finally:
        world.run(f"drop owned by {role}", f"drop role {role}")


def test_a_table_goes_and_comes_while_a_sweep_runs(world: World) -> None:
    """A declared table is renamed away in the middle: said, not passed over; once it is back, it is swept."""
    away, back = ("alter table browser_logs rename to logs_away", "alter table logs_away rename to browser_logs")
    swept = world.sweep(LATER, *CATEGORIES, limits=SMALL, progress=_once(None, lambda: world.run(away)))
    (said,) = {line.unknown for line in swept.lines if line.unknown}
    assert {line.table for line in swept.lines if line.unknown} == {"browser_logs"}
    assert "\n" not in said
    assert _count(world, "sessions", "session_recordings") == 0
    again = world.sweep(LATER, *CATEGORIES, progress=_once(None, lambda: world.run(back)))
    assert {line.table for line in again.lines if line.unknown} == {"browser_logs"}
    _swept_rest(world)


def test_the_connection_is_cut_while_a_sweep_runs(world: World) -> None:
    """Every session of the target is ended in the middle of a table, again and again."""
    name = sa.make_url(world.env["GENUKA_DATABASE_URL"]).database
    cut = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"
    for _ in range(2):
        swept = world.sweep(LATER, *CATEGORIES, limits=SMALL, progress=_once("browser_logs", lambda: world.run(cut)))
        assert all("\n" not in (line.unknown or "") for line in swept.lines)
    _swept_rest(world)


def test_without_the_ledger_nothing_is_destroyed(world: World) -> None:
    before = _everything(world)
    control = sa.make_url(world.env["GENUKA_CONTROL_URL"]).set(database="not_there").render_as_string(False)
    _refused(world.house.here("retention", "sweep", "--as-of", "2028-02-29", GENUKA_CONTROL_URL=control))
    assert _everything(world) == before


def _once(table: str | None, act: Callable[[], Any]) -> Callable[[Line], None]:
    """Do something at the first batch of a table (of any)."""
    done: list[bool] = []

    def progress(line: Line) -> None:
        if not done and table in (None, line.table):
            done.append(True)
            act()

    return progress
