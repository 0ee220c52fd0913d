"""Publication on a real store and a real control database: what an analyst finds the next morning."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from genuka_pipelines.analytics.errors import ReleaseDamaged
from genuka_pipelines.analytics.publishing import catalogue
from genuka_pipelines.analytics.publishing.completeness import missing_periods
from genuka_pipelines.analytics.publishing.errata import Erratum, record
from genuka_pipelines.analytics.publishing.publish import INDEX, publish
from genuka_pipelines.analytics.publishing.verify import verify
from genuka_pipelines.analytics.releases.release import Slot, release_path
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.published import AnonymisedTable
from genuka_pipelines.control import Control, LeaseTaken, open_control
from genuka_pipelines.stores.errors import CorruptObject
from tests.analytics.by_hand import NOW, PublishingHouse, day, days, put, release, visits, words
from tests.servers import fresh_control
from tests.stores.backends import BucketBackend
from tests.stores.servers import ministack

NAME = "page_visits_daily"
OBJECTS = {"analytics.duckdb", "analytics.ipynb", "dictionary.html", "dictionnaire.html"}


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with fresh_control() as url, open_control(url.render_as_string(hide_password=False)) as opened:
        yield opened


@pytest.fixture
def house(tmp_path: Path, control: Control) -> PublishingHouse:
    return PublishingHouse(tmp_path, {NAME: visits()}, control)


def put_days(house: PublishingHouse, first: date, count: int, name: str = NAME) -> None:
    table = house.published[name]
    put(house.opened, *(day(name, table, period, spec=house.spec(name)) for period in days(first, count)))


def test_before_any_release_every_table_is_there_and_empty(house: PublishingHouse) -> None:
    made = publish(house, now=NOW)
    assert (made.tables, set(made.objects), made.changed) == ((NAME,), OBJECTS, True)
    assert house.read(f"SELECT count(*) FROM {NAME}") == house.read(f"SELECT count(*) FROM {NAME}_cells") == [(0,)]
    told = house.read("SELECT name, last_complete_period, releases, missing_periods FROM analytics.tables")
    assert told == [(NAME, None, 0, "")]
    assert verify(house, now=NOW, asked=False).bad == ()


def test_a_location_without_tables_has_a_catalogue_without_tables(tmp_path: Path, control: Control) -> None:
    house = PublishingHouse(tmp_path, {}, control)
    assert publish(house, now=NOW).tables == ()
    assert house.read("SELECT name FROM analytics.tables") == []


def test_one_release_becomes_a_table_named_as_its_asset(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 19), 1)
    publish(house, now=NOW)
    assert house.read(f"SELECT * EXCLUDE (begins, ends) FROM {NAME}") == [
        ("2026-11-19", "Firefox", "exemple.cm", 40, 36, 44, 80, 60, 100, "released", None),
        ("2026-11-19", "Épiphanie 🦊", "пример.рф", None, None, None, None, None, None, "below_threshold", None),
    ]
    cells = house.read(f"SELECT measure, value, ci95_low, ci95_high, noise_scale, status FROM analytics.{NAME}_cells")
    assert cells[1] == ("visits", 80.0, 60.0, 100.0, 10.0, "released")
    assert house.read("SELECT DISTINCT table_type FROM information_schema.tables") == [("BASE TABLE",)]
    uncommented = "SELECT table_name FROM duckdb_{}() WHERE comment IS NULL AND NOT internal"
    assert house.read(uncommented.format("tables")) == house.read(uncommented.format("columns")) == []
    (told,) = house.read("SELECT unit_fr, epsilon, epsilon_of_year, last_complete_period, caveats_fr FROM tables")
    assert told[:4] == ("a device on a day (fr)", 0.5, 5.0, "2026-11-19")
    assert "Une cellule de moins de 11 unités n'est pas dite" in told[4]


def test_releases_are_partitioned_parquet_as_they_lie(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 18), 2)
    files = house.folder / "published" / "releases" / NAME
    files_read = f"read_parquet('{files}/*/*/*.parquet', hive_types_autocast=0)"
    query = f"SELECT period, spec, sum(value) FROM {files_read} GROUP BY ALL"
    spec = house.spec(NAME)
    assert sorted(duckdb.sql(query).fetchall()) == [(period, spec, 120.0) for period in ("2026-11-18", "2026-11-19")]
    frame = pd.read_parquet(files)
    assert set(frame["period"].astype(str)) == {"2026-11-18", "2026-11-19"}


def test_publishing_twice_changes_nothing_and_a_new_release_does(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 17), 1)
    first = publish(house, now=NOW)
    second = publish(house, now=NOW + timedelta(hours=1))
    assert (second.changed, second.objects) == (False, first.objects)
    put_days(house, date(2026, 11, 18), 1)
    assert publish(house, now=NOW).changed
    assert house.read(f"SELECT DISTINCT period FROM {NAME} ORDER BY 1") == [("2026-11-17",), ("2026-11-18",)]
    versions = [one.key for one in house.opened.list(versions=True)]
    assert len(versions) == len(set(versions))  # no night's catalogue is kept for ever
    # What is missing depends on the day alone.
    assert publish(house, now=NOW + timedelta(days=1)).changed
    assert house.read("SELECT missing_periods FROM tables") == [("2026-11-19, 2026-11-20",)]


def test_a_damaged_or_missing_catalogue_is_made_again(house: PublishingHouse) -> None:
    publish(house, now=NOW)
    there = house.folder / "published" / "dictionary.html"
    there.write_bytes(b"?")
    assert [fault.what for fault in verify(house, now=NOW, asked=False).bad] == ["dictionary.html"]
    assert publish(house, now=NOW).changed
    house.opened.delete("analytics.duckdb")
    assert publish(house, now=NOW).changed
    house.opened.put(INDEX, b"[]", if_absent=False)
    assert publish(house, now=NOW).changed
    assert verify(house, now=NOW, asked=False).bad == ()


def test_a_release_without_a_cell_is_a_release(house: PublishingHouse) -> None:
    put(house.opened, release(NAME, house.published[NAME], "2026-11-19", [], spec=house.spec(NAME)))
    publish(house, now=NOW)
    assert house.read("SELECT last_complete_period, releases FROM tables") == [("2026-11-19", 1)]
    assert house.read(f"SELECT * FROM {NAME}") == []
    assert verify(house, now=NOW, asked=False).bad == ()


def test_gaps_are_told_until_they_are_filled(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 14), 2)
    put_days(house, date(2026, 11, 17), 3)
    publish(house, now=NOW)
    assert missing_periods(house, NAME, NOW) == ("2026-11-16",)
    assert house.read("SELECT missing_periods FROM tables") == [("2026-11-16",)]
    assert verify(house, now=NOW, asked=False).missing == {NAME: ("2026-11-16",)}
    assert "Il manque : 2026-11-16." in house.opened.get("dictionnaire.html").decode()
    put_days(house, date(2026, 11, 16), 1)
    publish(house, now=NOW)
    assert missing_periods(house, NAME, NOW) == ()


def test_what_settled_at_midnight_is_not_missing_before_its_night_is_over(house: PublishingHouse) -> None:
    """`verify` just after midnight, hours before the schedule that releases: there is nothing to report."""
    put_days(house, date(2026, 11, 17), 3)
    midnight = NOW.replace(hour=0, minute=1) + timedelta(days=1)
    assert missing_periods(house, NAME, midnight) == ("2026-11-20",)
    assert verify(house, now=midnight, asked=False).missing == {}
    assert verify(house, now=midnight + timedelta(days=1), asked=False).missing == {NAME: ("2026-11-20",)}


def test_a_release_that_the_control_database_forgot_is_debited_when_it_is_published(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 18), 2)
    publish(house, now=NOW)
    paid = {(one.table, one.period) for one in house.control.budgets.spent()}
    assert {(NAME, "2026-11-18"), (NAME, "2026-11-19")} <= paid


def test_an_earlier_definition_goes_on_in_the_table_where_its_columns_are_the_same(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 18), 2)
    table, before = house.published[NAME], "e" * 16
    put(house.opened, *(day(NAME, table, period, 90, spec=before) for period in ("2026-11-17", "2026-11-18")))
    other = visits(measures={"hits": {"title": words("Hits"), "rows": 9}})
    put(house.opened, release(NAME, other, "2026-11-16", [(("x", "y"), "hits", -3.0, 2.0, "released")], spec="f" * 16))
    made = publish(house, now=NOW)
    told = house.read(f"SELECT period, devices, note FROM {NAME} WHERE devices > 0 ORDER BY 1")
    assert [row[:2] for row in told] == [("2026-11-17", 90), ("2026-11-18", 40), ("2026-11-19", 40)]
    assert [row[2] is not None for row in told] == [True, False, False]
    assert made.entries[0].earlier == (f"{NAME}_{'f' * 16}_cells",)
    assert house.read(f"SELECT period, measure, value FROM {NAME}_{'f' * 16}_cells") == [("2026-11-16", "hits", -3.0)]
    assert "Periods made by an earlier definition: 1" in house.read("SELECT caveats_en FROM tables")[0][0]
    assert verify(house, now=NOW, asked=False).bad == ()


def test_a_correction_is_shown_everywhere(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 17), 3)
    assert publish(house, now=NOW).changed
    wrong = Erratum.model_validate(
        {"table": NAME, "first": "2026-11-18", "last": "2026-11-18", "says": words("Bots <counted>"),
         "recorded": date(2026, 11, 21)}
    )  # fmt: skip
    record(house.opened, house.published[NAME], wrong)
    gone = wrong.model_copy(update={"first": "2026-11-19", "last": "2026-11-19", "withdrawn": True})
    record(house.opened, house.published[NAME], gone)
    assert publish(house, now=NOW).changed
    both = "Bots <counted> · Bots <counted> (fr)"
    for table in (NAME, f"{NAME}_cells"):
        assert house.read(f"SELECT DISTINCT period, note FROM {table} ORDER BY 1") == [
            ("2026-11-17", None),
            ("2026-11-18", both),
        ]
    assert house.read("SELECT first_period, withdrawn FROM errata ORDER BY 1") == [
        ("2026-11-18", False),
        ("2026-11-19", True),
    ]
    assert "Bots <counted> (fr)" in house.read("SELECT caveats_fr FROM tables")[0][0]
    assert "Bots &lt;counted&gt;" in house.opened.get("dictionary.html").decode()
    assert verify(house, now=NOW, asked=False).bad == ()  # a withdrawn period is not missing


def test_a_damaged_release_is_one_sentence_and_the_old_catalogue_stays(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 17), 2)
    publish(house, now=NOW)
    before = house.opened.get("analytics.duckdb")
    key = release_path(Slot(NAME, "2026-11-19", house.spec(NAME)))
    house.opened.put(key, b"no Parquet")
    with pytest.raises(ReleaseDamaged, match=rf"^{key} is not a release: \S[^\n]+$") as raised:
        publish(house, now=NOW)
    assert raised.value.exit_code == 1
    assert house.opened.get("analytics.duckdb") == before
    assert [fault.what for fault in verify(house, now=NOW, asked=False).bad] == [key]
    house.opened.delete(key)
    path = house.folder / "published" / release_path(Slot(NAME, "2026-11-18", house.spec(NAME)))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorruptObject) as corrupt:
        publish(house, now=NOW, again=True)
    assert corrupt.value.exit_code == 1
    assert house.opened.get("analytics.duckdb") == before
    assert list(house.staging.iterdir()) == []


def test_a_reader_keeps_the_file_it_has_opened(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 17), 1)
    publish(house, now=NOW)
    file = house.folder / "published" / "analytics.duckdb"
    with duckdb.connect(str(file), read_only=True) as reader:
        put_days(house, date(2026, 11, 18), 1)
        publish(house, now=NOW)
        assert reader.execute(f"SELECT count(*) FROM {NAME}").fetchall() == [(2,)]
    assert house.read(f"SELECT count(*) FROM {NAME}") == [(4,)]


def test_two_publish_at_once(house: PublishingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(house, date(2026, 11, 15), 5)
    failed: list[GenukaError] = []

    def one() -> None:
        try:
            publish(house, now=NOW, again=True)
        except GenukaError as error:
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert verify(house, now=NOW, asked=False).bad == ()
    monkeypatch.setattr("genuka_pipelines.analytics.publishing.publish._PATIENCE", timedelta(0))
    held = house.control.leases.hold("analytics_catalogue", "all", "somebody", timedelta(seconds=30))
    with held, pytest.raises(LeaseTaken):
        publish(house, now=NOW, again=True)


KILLED = """
import os, signal, sys
sys.path.insert(0, os.getcwd())
from datetime import timedelta
from pathlib import Path
from genuka_pipelines.analytics.publishing import publish as publishing
from genuka_pipelines.control import open_control
from tests.analytics.by_hand import NOW, PublishingHouse, visits

real, left = publishing.replace_object, int(sys.argv[3])

def replace(store, key, data):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(store, key, data)

publishing.replace_object = replace
publishing._LEASE = timedelta(seconds=2)
with open_control(sys.argv[2]) as control:
    publishing.publish(PublishingHouse(Path(sys.argv[1]), {"page_visits_daily": visits()}, control), now=NOW)
"""


@pytest.mark.parametrize("after", [1])
def test_a_publisher_that_is_killed_leaves_a_whole_catalogue(tmp_path: Path, after: int) -> None:
    with fresh_control() as url, open_control(url.render_as_string(hide_password=False)) as control:
        house = PublishingHouse(tmp_path, {NAME: visits()}, control)
        put_days(house, date(2026, 11, 18), 1)
        publish(house, now=NOW)
        put_days(house, date(2026, 11, 19), 1)
        address = url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", KILLED, str(tmp_path), address, str(after)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert house.read(f"SELECT count(DISTINCT period) FROM {NAME}") == [(2,)]
        assert publish(house, now=NOW).changed
        assert house.read(f"SELECT count(DISTINCT period) FROM {NAME}") == [(2,)]
        assert verify(house, now=NOW, asked=False).bad == ()
        assert list(house.staging.iterdir()) == []


def test_manifests_say_how_each_release_was_made(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 19), 1)
    publish(house, now=NOW)
    (key,) = [stored.key for stored in house.opened.list("manifests/")]
    assert key == f"manifests/{NAME}/2026-11-19.{house.spec(NAME)}.json"
    manifest = json.loads(house.opened.get(key))
    assert (manifest["epsilon"], manifest["mechanisms"]["visits"]["name"]) == (0.5, "laplace")
    house.opened.put(key, b"{}", if_absent=False)
    assert [fault.what for fault in verify(house, now=NOW, asked=False).bad] == [key]
    publish(house, now=NOW, again=True)
    assert verify(house, now=NOW, asked=False).bad == ()


def test_a_catalogue_that_tells_other_figures_is_found(house: PublishingHouse, tmp_path: Path) -> None:
    put_days(house, date(2026, 11, 19), 1)
    made = publish(house, now=NOW)
    forged = tmp_path / "forged.duckdb"
    forged.write_bytes(house.opened.get("analytics.duckdb"))
    with duckdb.connect(str(forged)) as connection:
        connection.execute(f"UPDATE {NAME} SET devices = 41 WHERE devices = 40")
    stored = house.opened.put("analytics.duckdb", forged.read_bytes(), if_absent=False)
    index = json.loads(house.opened.get(INDEX))
    index["objects"] = {**made.objects, "analytics.duckdb": stored.sha256}
    house.opened.put(INDEX, json.dumps(index).encode(), if_absent=False)
    assert [fault.what for fault in verify(house, now=NOW, asked=False).bad] == [NAME]


def test_great_expectations_finds_a_key_that_is_not_declared(house: PublishingHouse) -> None:
    put_days(house, date(2026, 11, 18), 1)
    table = house.published[NAME]
    cells = [
        (("Netscape", "a"), "devices", 30.0, 2.0, "released"),
        (("Netscape", "a"), "visits", 30.0, 2.0, "released"),
    ]
    put(house.opened, release(NAME, table, "2026-11-19", cells, spec=house.spec(NAME)))
    publish(house, now=NOW)
    assert [fault.why for fault in verify(house, now=NOW).bad] == [
        f"{NAME}.browser.values_to_be_in_set fails for 1 rows"
    ]


def test_a_table_that_cannot_be_published_stops_before_anything_is_made(house: PublishingHouse) -> None:
    house.published["tables"] = AnonymisedTable.model_validate(visits().model_dump())
    with pytest.raises(GenukaError, match="analytics/tables would hide another table"):
        publish(house, now=NOW)
    assert list(house.opened.list()) == []


def test_many_releases_are_published_in_seconds(house: PublishingHouse) -> None:
    put_days(house, date(2026, 1, 1), 40)
    assert catalogue.FILE in publish(house, now=NOW).objects
    assert house.read(f"SELECT count(*), min(period), max(period) FROM {NAME}") == [(80, "2026-01-01", "2026-02-09")]


def test_the_same_on_a_server_that_speaks_s3(tmp_path: Path, control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SKTEST")
    house = PublishingHouse(tmp_path, {NAME: visits()}, control)
    with ministack(tmp_path) as endpoint:
        house.opened = BucketBackend(endpoint).open()
        put_days(house, date(2026, 11, 18), 1)
        first = publish(house, now=NOW)
        assert publish(house, now=NOW).changed is False
        put_days(house, date(2026, 11, 19), 1)
        assert publish(house, now=NOW).objects["analytics.duckdb"] != first.objects["analytics.duckdb"]
        assert [one.key for one in house.opened.list("analytics.duckdb", versions=True)] == ["analytics.duckdb"]
        assert verify(house, now=NOW, asked=False).bad == ()
        copy = tmp_path / "copy.duckdb"
        copy.write_bytes(house.opened.get("analytics.duckdb"))
    with duckdb.connect(str(copy), read_only=True) as reader:
        assert reader.execute(f"SELECT count(DISTINCT period) FROM {NAME}").fetchall() == [(2,)]
