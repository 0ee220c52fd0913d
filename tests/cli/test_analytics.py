"""`genuka analytics` at the terminal: releases made once and paid once, and one sentence for bad input."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from genuka_pipelines.analytics.releases.calendar import last_complete
from tests.cli.house import House
from tests.cli.platform import platform

TABLE = "signups_monthly"
OTHER = "sessions_daily"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with platform(tmp_path_factory.mktemp("house")) as made:
        yield made


def published(house: House) -> Path:
    return Path(house.env["GENUKA_STORE_PUBLISHED"].removeprefix("file://"))


def test_before_anything_is_released_there_is_nothing_and_that_is_said(house: House) -> None:
    assert house.genuka("analytics", "list", "--json").json == {"releases": []}
    assert house.genuka("analytics", "spend", "--json").json == {"spent": []}
    said = house.genuka("analytics", "verify", "--json")
    assert said.code == 1
    assert [one["what"] for one in said.json["bad"]] == ["catalogue.json"]
    assert "genuka analytics refresh" in said.err


def test_a_refresh_releases_what_is_due_once(house: House) -> None:
    said = house.genuka("analytics", "refresh", "--table", TABLE, "--table", OTHER, "--json")
    assert (said.code, said.err) == (0, "")
    first, second = said.json["releases"]
    assert {tuple(one) for one in (first, second)} == {
        ("table", "partition", "cells", "epsilon", "delta", "manifest")
    }  # fmt: skip
    assert (first["table"], second["table"]) == (TABLE, OTHER)
    settles = {"month": 3, "day": 2}
    assert first["partition"] in {last_complete("month", days, datetime.now(UTC)) for days in settles.values()}
    assert (published(house) / first["manifest"]).is_file()
    with duckdb.connect(str(published(house) / "analytics.duckdb"), read_only=True) as analytics:
        told = analytics.execute("SELECT name, releases FROM analytics.tables WHERE releases > 0 ORDER BY 1").fetchall()
        assert told == [(OTHER, 1), (TABLE, 1)]
        (cells,) = analytics.execute(f"SELECT count(*) FROM {TABLE}").fetchone() or (None,)
        assert cells == first["cells"]
    before = (published(house) / "analytics.duckdb").read_bytes()
    again = house.genuka("analytics", "refresh", "--table", TABLE, "--table", OTHER, "--json")
    assert again.json["releases"] == said.json["releases"]
    assert again.json["catalogue"]["changed"] is False
    assert (published(house) / "analytics.duckdb").read_bytes() == before
    spent = {one["unit"]: one for one in house.genuka("analytics", "spend", "--json").json["spent"]}
    assert all(0 < one["epsilon"] <= one["epsilon_of"] for one in spent.values())
    listed = house.genuka("analytics", "list", "--table", TABLE, "--json").json["releases"]
    assert listed == [{**first, "present": True}]


def test_people_read_it_in_their_language(house: House) -> None:
    said = house.genuka("analytics", "list", GENUKA_LANGUAGE="fr")
    assert (said.code, "Publications" in said.out, "période" in said.out) == (0, True, True)
    assert "Budgets" in house.genuka("analytics", "spend").out


def test_a_correction_is_recorded_and_shown(house: House) -> None:
    period = house.genuka("analytics", "list", "--table", TABLE, "--json").json["releases"][0]["partition"]
    said = house.genuka(
        "analytics", "correct", "--table", TABLE, "--period", period, "--fr", "Faux", "--en", "Wrong", "--json"
    )
    assert said.code == 0, said.err
    assert (published(house) / said.json["erratum"]).is_file()
    with duckdb.connect(str(published(house) / "analytics.duckdb"), read_only=True) as analytics:
        assert analytics.execute(f"SELECT DISTINCT note FROM {TABLE}").fetchall() == [("Wrong · Faux",)]
    given = ("--fr", "Faux", "--en", "Wrong")
    house.refused("analytics", "correct", "--table", TABLE, "--period", "2026-W01", *given, says="none of them")
    house.refused("analytics", "correct", "--table", TABLE, "--period", period, "--fr", "x", "--en", " ", says="--en")


def test_bad_input_is_one_sentence(house: House) -> None:
    house.refused("analytics", "refresh", "--table", "signups", says="there is no table 'signups'; it is one of")
    house.refused("analytics", "refresh", "--period", "soon", says="is no period; write a day as")
    house.refused("analytics", "refresh", "--table", TABLE, "--period", "2026-W44", says="a release each month")
    house.refused("analytics", "refresh", "--period", "2026-10", "--all", says="exclude each other")
    said = house.genuka("analytics", "refresh", "--table", TABLE, "--period", "2999-01", "--json")
    assert said.code == 2
    assert [one["partition"] for one in said.json["refused"]] == ["2999-01"]
    assert said.err.count("\n") == 1


def test_what_is_damaged_is_found_and_the_catalogue_stays(house: House) -> None:
    assert house.genuka("analytics", "verify", "--json").code == 0
    before = (published(house) / "analytics.duckdb").read_bytes()
    (release,) = (published(house) / "releases" / TABLE).rglob("release.parquet")
    release.write_bytes(release.read_bytes()[:-1])
    said = house.genuka("analytics", "verify", "--json")
    assert said.code == 1
    assert [one["what"] for one in said.json["bad"]] == [str(release.relative_to(published(house)))]
    said = house.genuka("analytics", "refresh", "--table", TABLE)
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert (published(house) / "analytics.duckdb").read_bytes() == before
