from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.backups.drills.drilling import OutsideEurope, drill, refuse_outside_europe
from genuka_pipelines.backups.drills.sampling import Chosen, Drillable, drillable, overdue, sample
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring import Reach
from genuka_pipelines.backups.restoring.erasure_list import publish_erasures
from genuka_pipelines.catalog.processor import System
from genuka_pipelines.control import Restored
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable
from tests.backups.taken import ALPHA, BETA, OWN, BackedHouse, Taker, backed_house, facts
from tests.servers import server
from tests.systems.opened import KINDS

NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = timedelta(days=30)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest) -> Iterator[BackedHouse]:
    with backed_house(request.param) as found:
        taker = Taker(found)
        taker.night(NOW - 2 * HOUR)
        found.run("UPDATE customers SET name = 'Renée' WHERE id LIKE '%c1'")
        taker.night(NOW - HOUR)
        publish_erasures(found, NOW)
        yield found


def wall() -> datetime:
    return datetime.now(UTC)


def databases_of(house: BackedHouse) -> set[str]:
    query = "SELECT datname FROM pg_database" if house.kind == "postgresql" else "SHOW DATABASES"
    engine = sa.create_engine(house.shared.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {name for (name,) in connection.exec_driver_sql(query) if "drill" in name}


def id_of(house: BackedHouse, tenant: str | None) -> str:
    return owner_of(tenant, house.keyring).id


def test_everyone_comes_back_from_either_region_and_leaves_nothing(house: BackedHouse) -> None:
    reach = Reach.of(house, NOW)
    before = drillable(reach, house.control.ledger)
    chosen = sample(before, now=NOW, within=timedelta(days=3), regions=["france", "usa"])
    assert {one.owner for one in chosen} == {id_of(house, one) for one in (None, ALPHA, BETA, OWN, "quiet")}
    assert {one.region for one in chosen} == {"france", "usa"}
    count = house.control.erasures.count()
    found = drill(house, chosen, house.shared.url, objective=HOUR, clock=wall)
    assert [one.failed for one in found] == [None] * 5
    assert all(one.passed and not one.left_out for one in found)
    # Of the tenant without rows nobody can be erased.
    assert {one.owner for one in found if not one.planted} == {id_of(house, "quiet")}
    assert databases_of(house) == set()
    assert house.control.erasures.count() == count
    said = {entry.body.owner: entry.body for entry in house.control.ledger.latest(Restored)}
    assert all(said[one.owner].drill and said[one.owner].region == one.region for one in chosen)
    after = drillable(reach, house.control.ledger)
    assert overdue(after, now=wall(), within=MONTH) == ()
    again = sample(after, now=wall(), within=timedelta(days=3), regions=["france", "usa"])
    assert {(one.owner, one.region) for one in again}.isdisjoint((one.owner, one.region) for one in chosen)


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_a_drill_that_fails_says_why_and_cleans_up(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """One region alone is read: what is damaged there is found, though the other could give it."""
    alpha = Chosen(id_of(house, ALPHA), "france")
    manifest = Reach.of(house, NOW).backup(owner_of(ALPHA, house.keyring)).chain[-1]
    path = house.folder / "backups_france" / layout.pack(manifest.epoch, manifest.owner, manifest.packs[0].name)
    good = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(good[:-1])
    bad, fine = drill(house, [alpha, replace(alpha, region="usa")], house.shared.url, objective=HOUR, clock=wall)
    path.write_bytes(good)
    assert (bad.passed, fine.passed) == (False, True)
    assert path.name in str(bad.failed)
    (slow,) = drill(house, [alpha], house.shared.url, objective=timedelta(0), clock=wall)
    assert (slow.failed, slow.late, slow.passed) == (None, True, False)
    (unknown,) = drill(house, [Chosen("0" * 32, "usa")], house.shared.url, objective=HOUR, clock=wall)
    assert "does not name" in str(unknown.failed)
    monkeypatch.setattr("genuka_pipelines.backups.restoring.gate.Gate._replay", lambda *_: None)
    monkeypatch.setattr("genuka_pipelines.backups.restoring.gate.Gate._prove", lambda *_: None)
    (back,) = drill(house, [alpha], house.shared.url, objective=HOUR, clock=wall)
    assert "is back in the restored copy" in str(back.failed)
    assert databases_of(house) == set()


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_it_needs_neither_the_live_databases_nor_the_other_region(
    house: BackedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Databases.homes

    def homes(self: Databases, *given: Any) -> Any:
        if self is house.opened:
            raise DatabaseUnreachable("lost")
        return real(self, *given)

    def lost(*_: Any, **__: Any) -> Any:
        raise AssertionError("the lost region was asked for a backup")

    server = house.shared.url
    monkeypatch.setattr(Databases, "homes", homes)
    real_get = type(house.stores["backups_france"]).get

    def get(self: Any, key: str, **given: Any) -> bytes:
        return lost() if self.name == "backups_france" and "/p/" in key else real_get(self, key, **given)

    monkeypatch.setattr(type(house.stores["backups_france"]), "get", get)
    (found,) = drill(house, [Chosen(id_of(house, OWN), "usa")], server, objective=HOUR, clock=wall)
    assert (found.failed, found.rows) == (None, 30)
    assert found.planted


def test_backups_are_not_restored_outside_europe() -> None:
    declared = {"kind": "database", "title": {"fr": "Là", "en": "There"}, "setting": "genuka"}
    catalog = facts()
    host = catalog.processors["host"]
    for country, refused in (("US", True), ("FR", False), ("CH", False)):
        there = System.model_validate({**declared, "place": {"country": country}, "hosts": ["*.example.org"]})
        placed = replace(catalog, processors={"host": host.model_copy(update={"systems": {"there": there}})})
        server = sa.make_url("postgresql://u@db.example.org/x")
        if refused:
            for given in ((server, None), (sa.make_url("postgresql://u@localhost/x"), "there")):
                with pytest.raises(OutsideEurope, match="US"):
                    refuse_outside_europe(placed, *given)
        else:
            refuse_outside_europe(placed, server)
        refuse_outside_europe(placed, sa.make_url("postgresql://u@localhost/x"))
        refuse_outside_europe(placed, sa.make_url("postgresql:///x?host=/tmp/s"))


@settings(max_examples=int(os.environ.get("GENUKA_ROUNDS", "25")), deadline=None)
@given(
    rows=st.lists(st.integers(0, 10**9), min_size=1, max_size=120),
    failing=st.sets(st.integers(0, 40), max_size=2),
    within=st.integers(4, 30),
)
def test_everyone_is_drilled_in_time_though_two_nights_fail(rows: list[int], failing: set[int], within: int) -> None:
    period, regions = timedelta(days=within), ["france", "usa"]
    known = {f"o{number}": Drillable(f"o{number}", size) for number, size in enumerate(rows)}
    seen: dict[str, list[str]] = {owner: [] for owner in known}
    for night in range(2 * within + 5):
        now = NOW + timedelta(days=night)
        chosen = sample(known.values(), now=now, within=period, regions=regions)
        if night == 0:
            largest = max(rows)
            assert known[chosen[0].owner].rows == largest
        if night in failing:
            continue
        for one in chosen:
            known[one.owner] = replace(known[one.owner], last=now, region=one.region)
            seen[one.owner].append(one.region)
        if night >= within:
            assert overdue(known.values(), now=now, within=period) == ()
    assert all(a != b for regions_of in seen.values() for a, b in itertools.pairwise(regions_of))


def test_no_owner_is_no_drill() -> None:
    assert sample([], now=NOW, within=MONTH, regions=["france"]) == ()


def test_what_a_killed_drill_left_is_dropped_and_nothing_else(house: BackedHouse) -> None:
    """Published or in quarantine still; a drill that may be under way is left alone."""
    here, of = server(house.kind), id_of(house, ALPHA)[:8]
    old, young = f"{wall() - 13 * HOUR:%Y%m%d%H%M%S}", f"{wall() - HOUR:%Y%m%d%H%M%S}"
    mine, others = [f"genuka_drill_{old}_0_{of}", f"genuka_drill_{old}_0_{of}_shop_database"], [
        f"genuka_drill_{young}_0_{of}", f"genuka_drill_{old}_notes",
    ]  # fmt: skip
    quote = '"{}"' if house.kind == "postgresql" else "`{}`"
    for name in (*mine, *others):
        here.run(f"CREATE DATABASE {quote.format(name)}")
    here.run("CREATE TABLE customers (id int)", database=mine[0])
    _dies_in_quarantine(here.url(mine[1]))
    assert drill(house, [], house.shared.url, objective=HOUR, clock=wall) == ()
    assert databases_of(house) == set(others)
    for name in others:
        here.run(f"DROP DATABASE {quote.format(name)}")


def _dies_in_quarantine(url: sa.URL) -> None:
    child = os.fork()
    if child == 0:
        try:
            with Database(url, name="left") as left, left.load():
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
