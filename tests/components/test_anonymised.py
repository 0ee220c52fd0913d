"""Tables for analysts in Dagster: released once for each period, asked about, published; what wakes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import dagster as dg
import pytest
import sqlalchemy as sa

from genuka_pipelines.analytics.asked import Asked
from genuka_pipelines.analytics.asking import ask
from genuka_pipelines.analytics.questions import complete
from genuka_pipelines.analytics.staging.staged import stage_table
from genuka_pipelines.analytics.waiting import waiting
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.published import ANALYTICS, CATALOGUE, OF_TABLES, Every
from genuka_pipelines.catalog.staging import StagedColumn
from genuka_pipelines.components.anonymised import _catalogue, _checks, _released, periods
from genuka_pipelines.components.resource import RESOURCE
from genuka_pipelines.components.resource import House as Resource
from genuka_pipelines.demo.schema import PLATFORM
from genuka_pipelines.settings import load_settings
from schedules import staged_data_ready
from schedules.settled import settled_that_day
from tests.cli.house import House
from tests.cli.platform import platform

NAME = "page_visits_daily"
ASSET = dg.AssetKey(["analytics", NAME])
TODAY = datetime.now(UTC).date()
DAY = TODAY - timedelta(days=3)
DEVICES = 300


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with platform(tmp_path_factory.mktemp("house")) as made:
        engine = sa.create_engine(made.env["GENUKA_DATABASE_URL"])
        at = datetime.combine(DAY, time(12))
        rows = [
            {"id": number, "ip_address": f"198.51.{number // 250}.{number % 250}", "visited_at": at, "country": "CM",
             "browser": "Chrome", "browser_version": "131.0", "platform": "Android", "language": "fr-CM"}
            for number in range(DEVICES)
        ]  # fmt: skip
        with engine.begin() as connection:
            connection.execute(PLATFORM.tables["browser_logs"].insert(), rows)
        engine.dispose()
        with made.opened() as runtime:
            now = datetime.now(UTC)
            stage_table(runtime, "genuka/browser_data", "browser_logs", as_of=now, now=now)
        yield made


@pytest.fixture
def house(built: House, monkeypatch: pytest.MonkeyPatch) -> House:
    for name, value in built.env.items():
        monkeypatch.setenv(name, value)
    return built


@pytest.fixture(scope="module")
def catalog(built: House) -> Catalog:
    return load_catalog(load_settings(built.env).assets)


def executed(*definitions: Any, partition: date | None = None, instance: Any = None) -> Any:
    return dg.materialize(
        list(definitions),
        partition_key=partition.isoformat() if partition else None,
        instance=instance,
        resources={RESOURCE: Resource()},
        raise_on_error=False,
    )


def said(done: Any) -> dict[str, Any]:
    (event,) = done.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def refusal(done: Any) -> str:
    return str(done.get_step_failure_events()[0].step_failure_data.user_failure_data.description)


def test_a_period_is_released_once_paid_for_once_and_published(house: House, catalog: Catalog) -> None:
    table, checks = _released(catalog, NAME), _checks(catalog, ANALYTICS + NAME)
    done = executed(table, *checks, partition=DAY)
    assert done.success, refusal(done)
    told = said(done)
    assert told["period"] == DAY.isoformat()
    assert told["cells"] > told["told"] > 0
    assert (told["epsilon"], told["epsilon_of_the_year"]) == (pytest.approx(1), pytest.approx(1))
    assert "█" in told["chart"]
    assert "Chrome · Android · fr · CM" in told["chart"]
    assert str(DEVICES) not in {str(value) for value in told.values() if not isinstance(value, dict)}, (
        "nothing is exact"
    )
    answers = {found.check_name: found.passed for found in done.get_asset_check_evaluations()}
    assert answers == dict.fromkeys(OF_TABLES, True)
    again = executed(table, partition=DAY)
    assert said(again) == told, "a retry finds what was released"
    with house.opened() as runtime:
        (debit,) = runtime.control.budgets.spent("device_day")
        assert (debit.table, debit.period) == (NAME, DAY.isoformat())
        latest = runtime.control.ledger.latest_checks()
        assert {check for asset, check in latest if asset == ANALYTICS + NAME} == set(OF_TABLES)
        assert latest[ANALYTICS + NAME, "unlinked"].body.clauses == ("GK-15",)
    published = executed(_catalogue(catalog), *_checks(catalog, CATALOGUE))
    assert published.success, refusal(published)
    (answer,) = published.get_asset_check_evaluations()
    assert (answer.check_name, answer.passed) == ("readable_by_analysts", True), answer.metadata
    assert said(published)["tables"] == len(catalog.published)


def test_a_period_that_has_not_settled_is_not_released(house: House, catalog: Catalog) -> None:
    done = executed(_released(catalog, NAME), partition=TODAY - timedelta(days=1))
    assert not done.success
    assert "is complete on" in refusal(done)
    failure = done.get_step_failure_events()[0].step_failure_data.user_failure_data
    assert {"try", "runbook"} <= set(failure.metadata)


def test_questions_before_the_first_release_are_unproven_and_a_gap_is_a_no(house: House) -> None:
    now = datetime.now(UTC)
    with house.opened() as runtime:
        assert ask(runtime, "complete", ANALYTICS + "chats_weekly", now=now).unproven
        assert ask(runtime, "within_budget", ANALYTICS + "chats_weekly", now=now).passed
        later = complete.ask(Asked(runtime, ANALYTICS + NAME, now + timedelta(days=3)))
        assert (later.passed, later.counts["missing"]) == (False, 2)
        assert ask(runtime, "complete", ANALYTICS + NAME, now=now).passed


def test_a_release_that_nobody_paid_for_is_a_no(house: House) -> None:
    from genuka_pipelines.analytics.releases.release import Slot, release_path

    with house.opened() as runtime:
        store, key = runtime.store("published_store"), release_path(Slot("chats_weekly", "2026-W40", "0" * 16))
        store.put(key, b"unpaid")
        try:
            answer = ask(runtime, "within_budget", ANALYTICS + "chats_weekly", now=datetime.now(UTC))
        finally:
            store.delete(key)
    assert (answer.passed, answer.counts["unpaid"]) == (False, 1)
    assert "nobody paid for the release of 2026-W40" in answer.notes


def test_a_planted_link_is_a_no(house: House, catalog: Catalog) -> None:
    logs = catalog.categories["genuka/browser_data"]
    table = logs.tables["browser_logs"]
    assert table.staging is not None
    company = StagedColumn(way="copy", of=("company_id",))
    staging = table.staging.model_copy(update={"columns": {**table.staging.columns, "country": company}})
    tables = {"browser_logs": table.model_copy(update={"staging": staging})}
    changed = {**catalog.categories, "genuka/browser_data": logs.model_copy(update={"tables": tables})}
    linked = dataclasses.replace(catalog, categories=changed)
    with house.opened() as runtime:
        runtime.__dict__["catalog"] = linked
        answer = ask(runtime, "unlinked", ANALYTICS + NAME, now=datetime.now(UTC))
    assert not answer.passed
    assert (answer.counts["links_by_graph"], answer.counts["links_by_columns"]) == (1, 1)


def test_periods_are_named_by_their_first_day() -> None:
    now = datetime(2026, 8, 20, tzinfo=UTC)
    begins = date(2026, 1, 1)
    assert periods("day", begins).get_partition_keys(now)[-1] == "2026-08-19"
    assert periods("week", begins).get_partition_keys(now)[0] == "2026-01-05"
    assert periods("week", begins).get_partition_keys(now)[-1] == "2026-08-10"
    assert periods("month", begins).get_partition_keys(now)[-1] == "2026-07-01"
    assert periods("quarter", begins).get_partition_keys(now) == ["2026-01-01", "2026-04-01"]


def night(every: Every, at: datetime) -> list[tuple[str, set[str]]]:
    asked = settled_that_day(every, at)
    requests = [] if isinstance(asked, dg.SkipReason) else asked
    return [(str(one.partition_key), {key.path[-1] for key in one.asset_selection or ()}) for one in requests]


def test_each_night_asks_for_the_periods_that_settled_that_day(house: House) -> None:
    third = datetime(2026, 11, 3, 3, 20, tzinfo=UTC)
    (daily,) = night("day", third)
    assert daily[0] == "2026-10-31"
    assert {NAME, "sessions_daily", "catalogue"} <= daily[1]
    (monthly,) = night("month", third)
    assert monthly[0] == "2026-10-01"
    assert {"orders_monthly", "catalogue"} <= monthly[1]
    assert night("month", third + timedelta(days=1)) == []


def test_what_a_night_missed_is_released_once_it_is_staged(house: House) -> None:
    now = datetime.now(UTC)
    tomorrow = datetime.combine(TODAY + timedelta(days=1), time(7), UTC)  # patience ended, whatever the hour is now
    key = "staging/genuka/browser_logs"
    with house.opened() as runtime:
        assert list(waiting(runtime, lambda _: None, now=now)) == []
        found = list(waiting(runtime, lambda one: tomorrow if one == key else None, now=tomorrow))
        early = list(waiting(runtime, lambda _: now - timedelta(days=60), now=tomorrow))
    assert {one.table for one in found} == {NAME, "referring_hosts_daily"}
    assert DAY.isoformat() not in {one.period for one in found if one.table == NAME}, "that one is there"
    assert (DAY + timedelta(days=1)).isoformat() in {one.period for one in found if one.table == NAME}
    assert early == []


def test_the_sensor_asks_the_job_of_the_tables_rhythm(house: House) -> None:
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance=instance) as context:
        (skipped,) = list(cast(Any, staged_data_ready.sensor(context)))
        assert isinstance(skipped, dg.SkipReason)
        instance.report_runless_asset_event(dg.AssetMaterialization(["staging", "genuka", "browser_logs"]))
        asked = list(cast(Any, staged_data_ready.sensor(context)))
    requests = [one for one in asked if isinstance(one, dg.RunRequest)]
    assert {request.job_name for request in requests} <= {"analytics_aggregation_daily"}
    for request in requests:
        assert NAME not in str(request.run_key)
        assert {key.path[-1] for key in request.asset_selection or ()} == {"referring_hosts_daily", "catalogue"}
