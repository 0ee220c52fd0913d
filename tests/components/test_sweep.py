"""The sweep in Dagster: a dry run only observes, a real one materialises and fails on what is left; what wakes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.sweep import Sweep
from genuka_pipelines.components.question import _check
from genuka_pipelines.components.resource import RESOURCE
from genuka_pipelines.components.resource import House as Resource
from genuka_pipelines.components.sweep import _swept
from genuka_pipelines.settings import load_settings
from schedules import hold_lifted_or_early_trigger, retention_sweep
from tests.cli.house import House
from tests.cli.platform import left, platform, sessions

KEY = "genuka/server_sessions"
ASSET = dg.AssetKey(["retention", "genuka", "server_sessions"])
ORDER = ["as_of", "due", "deleted", "anonymised", "held", "kept_by_law", "survivors", "oldest"]
NIGHT = Sweep.model_validate({"title": {"fr": "Nuit", "en": "Night"}, "rows": 1000, "minutes": 5})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with platform(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def house(built: House, monkeypatch: pytest.MonkeyPatch) -> House:
    for name, value in built.env.items():
        monkeypatch.setenv(name, value)
    switched(built, on=False)
    return built


@pytest.fixture(scope="module")
def catalog(built: House) -> Catalog:
    return load_catalog(load_settings(built.env).assets)


def switched(house: House, *, on: bool) -> None:
    with house.control() as control:
        control.switches.switch("retention_sweep", on, by="s1", now=datetime.now(UTC))


def executed(catalog: Catalog, *keys: str, really: bool, instance: Any = None, checks: tuple[Any, ...] = ()) -> Any:
    swept = _swept(catalog, NIGHT)
    return dg.materialize(
        [swept, *checks],
        instance=instance,
        selection=dg.AssetSelection.assets(*(["retention", *key.split("/")] for key in keys)),
        resources={RESOURCE: Resource()},
        run_config={"ops": {"sweep": {"config": {"dry_run": False}}}} if really else None,
        raise_on_error=False,
    )


def metadata(event: Any) -> dict[str, Any]:
    return {name: value.value for name, value in event.metadata.items()}


def test_a_dry_run_is_the_default_and_records_an_observation_only(house: House, catalog: Catalog) -> None:
    sessions(house, 8, 9, 2)
    done = executed(catalog, KEY, really=False)
    assert done.success
    assert done.get_asset_materialization_events() == []
    (seen,) = done.get_asset_observation_events()
    said = metadata(seen.asset_observation_data.asset_observation)
    assert list(said) == ORDER
    assert (said["due"], said["deleted"], said["survivors"]) == (2, 0, 0)
    assert left(house) == 3


def test_a_real_run_asks_for_the_switch_and_then_materialises(house: House, catalog: Catalog) -> None:
    sessions(house, 8, 9, 2)
    refused = executed(catalog, KEY, really=True)
    assert not refused.success
    (failed,) = refused.get_step_failure_events()
    assert "go-live" in failed.step_failure_data.user_failure_data.description
    assert left(house) == 3
    switched(house, on=True)
    done = executed(catalog, KEY, "genuka/browser_data", really=True)
    assert done.success
    events = {event.asset_key: event.materialization for event in done.get_asset_materialization_events()}
    assert set(events) == {ASSET, dg.AssetKey(["retention", "genuka", "browser_data"])}
    said = metadata(events[ASSET])
    assert list(said) == ORDER
    assert (said["deleted"], said["survivors"], left(house)) == (2, 0, 1)


def test_what_is_left_fails_the_run_after_every_asset_was_reported(
    house: House, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions(house, 8)
    switched(house, on=True)
    address = house.env["GENUKA_GENLETTER_URL"]
    monkeypatch.setenv("GENUKA_GENLETTER_URL", address.replace("/t", "/nowhere_t"))
    done = executed(catalog, KEY, "genletter/account", really=True)
    assert not done.success
    said = {event.asset_key.path[-1]: metadata(event.materialization)
            for event in done.get_asset_materialization_events()}  # fmt: skip
    assert said["server_sessions"]["deleted"] == 1
    assert said["account"]["survivors"] == "unknown"
    assert list(said["account"]) == [*ORDER, "unknown"]
    failure = done.get_step_failure_events()[0].step_failure_data.user_failure_data
    assert "genletter/account" in failure.description
    assert {"try", "runbook"} <= set(failure.metadata)


def test_its_own_history_is_swept_by_the_run_itself(house: House, catalog: Catalog) -> None:
    switched(house, on=True)
    with dg.DagsterInstance.ephemeral() as instance:
        done = executed(catalog, "own/run_history", really=True, instance=instance)
        assert done.success
        (event,) = done.get_asset_materialization_events()
        assert metadata(event.materialization)["due"] == 0
        assert instance.has_run(done.run_id)


@pytest.mark.parametrize("really", [True, False])
def test_nothing_overdue_blocks_and_answers_for_the_ledger(house: House, catalog: Catalog, really: bool) -> None:
    sessions(house, 8.5)
    switched(house, on=really)
    check = _check("nothing_overdue", catalog.questions["nothing_overdue"], f"retention/{KEY}")
    assert next(iter(check.check_specs)).blocking
    done = dg.materialize(
        [_swept(catalog, NIGHT), check],
        selection=dg.AssetSelection.checks(check) if not really else dg.AssetSelection.assets(ASSET),
        resources={RESOURCE: Resource()},
        run_config={"ops": {"sweep": {"config": {"dry_run": False}}}} if really else None,
        raise_on_error=False,
    )
    (answer,) = done.get_asset_check_evaluations()
    assert (answer.passed, done.success) == (really, really)
    assert left(house) == (0 if really else 1)
    with house.control() as control:
        latest = control.ledger.latest_checks()[f"retention/{KEY}", "nothing_overdue"]
    assert latest.body.passed is really


def test_an_expired_hold_wakes_someone(house: House, catalog: Catalog) -> None:
    from genuka_pipelines.control import TenantScope
    from genuka_pipelines.quality.asking import ask

    with house.opened() as runtime:

        def answer(now: datetime) -> Any:
            return ask(runtime, "nothing_overdue", "retention/own/ledger_and_holds", as_of=now, now=datetime.now(UTC))

        assert answer(datetime.now(UTC)).passed
        now = datetime.now(UTC)
        hold = runtime.control.holds.add(
            TenantScope("t1"), kind="hold", reason="audit", reference="case-1", author="s1", now=now,
            keys=runtime.keyring, expires_at=now + timedelta(milliseconds=1),
        )  # fmt: skip
        found = answer(datetime.now(UTC))
        assert (found.passed, found.severity, found.counts) == (False, "error", {"holds.expired": 1})
        runtime.control.holds.release(hold.id, by="s1", now=datetime.now(UTC))
        assert answer(datetime.now(UTC)).passed


def test_the_night_is_dry_until_somebody_switched_it_on(house: House) -> None:
    def night() -> dg.RunRequest:
        with dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 3, 15, tzinfo=UTC)) as context:
            data = retention_sweep.schedule.evaluate_tick(context)
        assert data.run_requests is not None
        return data.run_requests[0]

    assert night().run_config == {}
    assert night().tags["genuka/dry_run"] == "not switched on"
    switched(house, on=True)
    assert night().run_config == {"ops": {"sweep": {"config": {"dry_run": False}}}}


def test_the_sensor_waits_for_the_switch_and_looks_once(house: House) -> None:
    def look(cursor: str | None = None) -> Any:
        with dg.build_sensor_context(cursor=cursor) as context:
            return hold_lifted_or_early_trigger.sensor(context)

    assert isinstance(look(), dg.SkipReason)
    switched(house, on=True)
    first = look()
    assert not first.run_requests
    with house.opened() as runtime:
        recordings = runtime.databases("genuka_database").shared
        table = recordings.table("session_recordings")
        with recordings.writing() as connection:
            connection.execute(
                table.insert().values(id="r1", company_id=f"{1:026}", started_at=datetime.now(UTC),
                                      delete_requested_at=datetime.now(UTC) - timedelta(minutes=1))
            )  # fmt: skip
    second = look(first.cursor)
    (request,) = second.run_requests
    assert [key.path for key in request.asset_selection] == [["retention", "genuka", "session_recordings"]]
    assert request.run_config == {"ops": {"sweep": {"config": {"dry_run": False}}}}
    assert not look(second.cursor).run_requests
    with house.opened() as runtime:
        from genuka_pipelines.control import TenantScope

        hold = runtime.control.holds.add(
            TenantScope("t1"), kind="hold", reason="audit", reference="case-1", author="s1", now=datetime.now(UTC),
            keys=runtime.keyring,
        )  # fmt: skip
        runtime.control.holds.release(hold.id, by="s1", now=datetime.now(UTC))
    (request,) = look(second.cursor).run_requests
    assert request.asset_selection is None
