"""A whole night: captured in one region, brought into the other, asked about, and told when something is lacking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.asking import ask
from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.errors import NoSuchBackup
from genuka_pipelines.backups.nightly import bring, lacking, look, mend, newest_verified, of_night, prepare_regions
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.questions import complete, every_tenant, rows_plausible
from genuka_pipelines.backups.regions.ending import ExpiryNotSwitchedOn, end_backups
from genuka_pipelines.backups.regions.region import Degraded
from genuka_pipelines.catalog.backup import ASKED_OF, BackupPlan
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.quality.expectations import unmet_in_frame
from genuka_pipelines.stores.errors import StoreUnreachable
from tests.backups.taken import ALPHA, BackedHouse, backed_house

OF_REGIONS = [check for check, part in ASKED_OF.items() if part == "region"]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[BackedHouse]:
    monkeypatch.setattr(BackedHouse, "unmet", lambda _, columns, expected: unmet_in_frame(columns, expected))
    with backed_house("postgresql") as found:
        yield found


def plan_of(house: BackedHouse) -> BackupPlan:
    """The plan of the small house."""
    return house.catalog.backups["nightly"]


def now() -> datetime:
    """Backups live by the wall clock."""
    return datetime.now(UTC)


def a_night(house: BackedHouse) -> str:
    """Captured, and not brought anywhere yet."""
    captured = capture(house, plan_of(house), now=now())
    assert captured.failed == {}
    prepare_regions(house, plan_of(house), now=now())
    return captured.backup


def whole_night(house: BackedHouse) -> str:
    """Captured, and in both regions."""
    backup = a_night(house)
    for name in plan_of(house).regions:
        assert bring(house, plan_of(house), name, clock=now, backups=[backup]).whole
    return backup


def test_what_a_region_lacks_is_known_and_brought(house: BackedHouse) -> None:
    plan, owner = plan_of(house), owner_of(ALPHA, house.keyring).id
    backup = a_night(house)
    assert lacking(house, plan, now=now()) == {"usa": (backup,)}
    assert of_night(house, plan, night_of(now()).isoformat(), now=now()) == (backup,)
    with pytest.raises(NoSuchBackup, match="a night that is over cannot be captured"):
        of_night(house, plan, "2026-01-01", now=now())
    assert newest_verified(house, plan, owner, now=now()) is None
    assert bring(house, plan, "usa", clock=now).whole
    assert lacking(house, plan, now=now()) == {}
    assert newest_verified(house, plan, owner, now=now()) is None, "France was not looked at yet"
    assert bring(house, plan, "france", clock=now).whole
    found = newest_verified(house, plan, owner, now=now())
    assert found is not None
    assert now() - found < timedelta(minutes=5)
    assert newest_verified(house, plan, "0" * 32, now=now()) is None


def test_a_region_that_is_down_makes_a_night_degraded(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_night(house)

    def silent(*_: object, **__: object) -> Any:
        raise StoreUnreachable("it does not answer")

    monkeypatch.setattr("genuka_pipelines.backups.regions.region.PAUSES", ())
    for name in ("list", "capabilities", "get", "head", "put", "open"):
        monkeypatch.setattr(house.stores["backups_usa"], name, silent)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(Degraded, match="usa is down"):
        bring(house, plan_of(house), "usa", clock=now)
    found = bring(house, plan_of(house), "france", clock=now)
    assert (found.down, found.whole) == (("usa",), False)
    assert lacking(house, plan_of(house), now=now()) == {}


def test_a_region_that_cannot_even_be_opened_is_named(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_night(house)
    opened = BackedHouse.store

    def store(known: BackedHouse, system: str) -> Any:
        if system == "backups_usa":
            raise StoreUnreachable("it does not answer")
        return opened(known, system)

    monkeypatch.setattr(BackedHouse, "store", store)
    plan, owner = plan_of(house), owner_of(ALPHA, house.keyring).id
    assert bring(house, plan, "france", clock=now).down == ("usa",)
    with pytest.raises(Degraded, match="usa is down"):
        bring(house, plan, "usa", clock=now)
    assert of_night(house, plan, night_of(now()).isoformat(), now=now())
    assert lacking(house, plan, now=now()) == {}
    assert newest_verified(house, plan, owner, now=now()) is None
    assert ask(house, plan, "complete", "backups/france", now=now()).passed


def test_every_question_is_answered_and_written_down(house: BackedHouse) -> None:
    plan = plan_of(house)
    whole_night(house)
    for key in ("backups/france", "backups/usa"):
        for check in OF_REGIONS:
            answer = ask(house, plan, check, key, now=now())
            assert answer.passed, (key, check, answer)
            # A folder proves no place, and no lock but our own.
            assert answer.unproven == (check in ("locked", "refuses_deletion", "in_declared_place")), check
    for check in ("every_tenant", "rows_plausible"):
        assert ask(house, plan, check, "backups/capture", now=now()).passed
    said = house.control.ledger.latest_checks()
    assert ("backups/usa", "complete") in said
    assert said["backups/capture", "every_tenant"].body.counts["owners"] == 5
    for check in ("restored_equals_source", "erased_stay_erased"):
        assert not ask(house, plan, check, "backups/drill", now=now()).passed, "no drill was held"
    never = ask(house, plan, "every_tenant_within_30_days", "backups/drill", now=now())
    assert (never.passed, never.unproven) == (True, True)


def test_an_object_that_goes_is_missed_and_mended(house: BackedHouse) -> None:
    plan = plan_of(house)
    whole_night(house)
    root = house.folder / "backups_usa"
    lost = next(path.name for path in sorted(root.glob("v1/e/*/*/p/*")))
    for path in [path for path in root.rglob("*") if lost in path.as_posix() and path.is_file()]:
        path.unlink()
    assert not ask(house, plan, "complete", "backups/usa", now=now()).passed
    assert ask(house, plan, "complete", "backups/france", now=now()).passed
    assert [one.whole for one in mend(house, plan, now=now())] == [True, True]
    assert ask(house, plan, "complete", "backups/usa", now=now()).passed
    assert look(house, plan, "usa", full=True, now=now()).passed


def test_an_old_night_is_no_answer(house: BackedHouse) -> None:
    whole_night(house)
    later = now() + timedelta(hours=31)
    for question, key in ((every_tenant, "backups/capture"), (complete, "backups/france")):
        answer = question.ask(Asked(house, plan_of(house), key, later))
        assert (answer.passed, dict(answer.counts)) == (False, {"stale": 1})


def test_a_tenant_without_a_backup_is_missed(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_night(house)
    whole = Asked.night

    def without(asked: Asked, backup: str) -> Any:
        night = whole(asked, backup)
        owner = owner_of(ALPHA, house.keyring).id
        return night.model_copy(update={"owners": {k: v for k, v in night.owners.items() if k != owner}})

    monkeypatch.setattr(Asked, "night", without)
    answer = ask(house, plan_of(house), "every_tenant", "backups/capture", now=now())
    assert (answer.passed, answer.counts["missing"]) == (False, 1)


def test_a_table_that_lost_most_of_its_rows_warns(house: BackedHouse) -> None:
    plan = plan_of(house).model_copy(update={"few_rows": 2})
    house.catalog = replace(house.catalog, backups={"nightly": plan})
    whole_night(house)
    house.run("DELETE FROM order_lines")
    whole_night(house)
    answer = ask(house, plan, "rows_plausible", "backups/capture", now=now())
    assert (answer.passed, answer.severity, answer.counts["unmet"]) == (False, "warn", 1)
    assert any("order_lines" in name for name in answer.counts)


def test_shares_are_told_in_percent() -> None:
    after, before = {"a": 50, "b": 9, "d": 5}, {"a": 100, "b": 10, "c": 20, "d": 5}
    assert rows_plausible.shares(after, before, few=5) == {"a": 50, "b": 90, "c": 0}


def test_backups_end_only_once_somebody_said_so(house: BackedHouse) -> None:
    plan = plan_of(house)
    whole_night(house)
    over = Epoch.at(now()).locked_until + timedelta(hours=1)
    with pytest.raises(ExpiryNotSwitchedOn, match="genuka go-live backup_expiry"):
        end_backups(house, plan, "france", now=over)
    house.control.switches.switch("backup_expiry", True, by="s1", now=now())
    assert end_backups(house, plan, "france", now=now()) == ()
