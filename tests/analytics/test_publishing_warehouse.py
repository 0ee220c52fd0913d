"""The copy for BI tools, on a real PostgreSQL: whole, replaced in one step, read by a role that reads nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, make_url

from genuka_pipelines.analytics.publishing.errors import WarehouseRefused
from genuka_pipelines.analytics.publishing.publish import publish
from genuka_pipelines.analytics.publishing.reader_role import ROLE
from genuka_pipelines.analytics.publishing.verify import verify
from genuka_pipelines.control import Control, open_control
from tests.analytics.by_hand import NOW, PublishingHouse, day, put, visits
from tests.servers import fresh_control, fresh_database

NAME = "page_visits_daily"


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with fresh_control() as url, open_control(url.render_as_string(hide_password=False)) as opened:
        yield opened


@pytest.fixture
def url() -> Iterator[URL]:
    with fresh_database("postgresql") as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, control: Control, url: URL) -> PublishingHouse:
    house = PublishingHouse(tmp_path, {NAME: visits()}, control, {"analytics": url})
    put(house.opened, day(NAME, house.published[NAME], "2026-11-18", spec=house.spec(NAME)))
    return house


def run(url: URL, *statements: str, role: str | None = None) -> list[tuple[Any, ...]]:
    """Statements as the owner, or as a role; the rows of the last."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        if role:
            connection.execute(f"SET ROLE {role}")
        for statement in statements:
            found = connection.execute(statement)
        return found.fetchall() if found.description else []


def test_bi_tools_read_what_analysts_read(house: PublishingHouse, url: URL) -> None:
    made = publish(house, now=NOW)
    assert made.copied is not None
    assert set(made.copied.tables) == {"tables", "errata", NAME, f"{NAME}_cells"}
    told = run(url, f"SELECT browser, host, devices, devices_low, status FROM analytics.{NAME} ORDER BY 1", role=ROLE)
    assert sorted(told) == [
        ("Firefox", "exemple.cm", 40, 36, "released"),
        ("Épiphanie 🦊", "пример.рф", None, None, "below_threshold"),
    ]
    assert run(url, "SELECT last_complete_period FROM analytics.tables", role=ROLE) == [("2026-11-18",)]
    assert run(url, f"SELECT col_description('analytics.{NAME}'::regclass, 4)") == [("Browser · Browser (fr)",)]


def test_the_role_reads_nothing_else_and_what_lacks_is_said(house: PublishingHouse, url: URL) -> None:
    run(url, "CREATE TABLE people (name text)", "CREATE SCHEMA secret", "CREATE TABLE secret.names (name text)")
    made = publish(house, now=NOW)
    assert made.copied is not None
    # Others on this server may be entered by everyone; that is all.
    assert all("can enter the databases" in sentence for sentence in made.copied.lacking)
    for statement in ("SELECT * FROM people", "SELECT * FROM secret.names", f"DELETE FROM analytics.{NAME}",
                      "CREATE TABLE analytics.mine (a int)"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(url, statement, role=ROLE)
    run(url, "GRANT SELECT ON people TO PUBLIC", f"GRANT INSERT ON analytics.{NAME} TO {ROLE}")
    said = [fault.why for fault in verify(house, now=NOW, asked=False).bad]
    assert f"the role {ROLE} can also read public.people: REVOKE that from it and from PUBLIC" in said
    assert f"the role {ROLE} can change analytics.{NAME}: REVOKE that from it and from PUBLIC" in said


def test_a_new_night_replaces_rows_and_leaves_what_is_built_on_them(house: PublishingHouse, url: URL) -> None:
    publish(house, now=NOW)
    run(
        url,
        f"CREATE VIEW analytics.mine AS SELECT period FROM analytics.{NAME}",
        "CREATE TABLE analytics.notes (a int)",
    )
    put(house.opened, day(NAME, house.published[NAME], "2026-11-19", spec=house.spec(NAME)))
    publish(house, now=NOW)
    assert run(url, "SELECT count(DISTINCT period) FROM analytics.mine") == [(2,)]
    assert run(url, "SELECT count(*) FROM analytics.notes") == [(0,)]
    # A column more: the view stands in the way, and all stays as it was.
    house.published[NAME] = visits(measures={"devices": {"title": {"fr": "A", "en": "A"}, "kind": "units"}})
    with pytest.raises(WarehouseRefused, match="a view of somebody's stands on a table"):
        publish(house, now=NOW)
    assert run(url, "SELECT count(DISTINCT period) FROM analytics.mine") == [(2,)]
    run(url, "DROP VIEW analytics.mine")
    house.published = {"other_daily": house.published[NAME]}
    publish(house, now=NOW)
    listed = run(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'analytics' ORDER BY 1")
    assert [name for (name,) in listed] == ["errata", "notes", "other_daily", "other_daily_cells", "tables"]


def test_a_table_that_is_not_ours_is_left_alone(house: PublishingHouse, url: URL) -> None:
    run(url, "CREATE SCHEMA analytics", f"CREATE TABLE analytics.{NAME} (precious text)")
    with pytest.raises(WarehouseRefused, match="a table that is not ours"):
        publish(house, now=NOW)
    assert run(url, f"SELECT * FROM analytics.{NAME}") == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql+pymysql://u:secret@127.0.0.1/x", "GENUKA_ANALYTICS_URL is not PostgreSQL"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "nobody answers at GENUKA_ANALYTICS_URL"),
    ],
)
def test_a_wrong_address_is_one_sentence_and_the_catalogue_is_there(
    house: PublishingHouse, address: str, says: str
) -> None:
    house.databases = {"analytics": make_url(address)}
    with pytest.raises(WarehouseRefused, match=says) as raised:
        publish(house, now=NOW)
    assert "secret" not in str(raised.value)
    assert house.read(f"SELECT count(*) FROM {NAME}") == [(2,)]
    assert date(2026, 11, 18) == house.read(f"SELECT max(begins) FROM {NAME}")[0][0]
