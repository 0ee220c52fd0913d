"""`genuka retention` at the terminal: numbers by rule, one sentence for bad input, exit 1 where something is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.house import House
from tests.cli.platform import left, platform, sessions

IDLE = "genuka/server_sessions.sessions.idle"
ONLY = ("--category", "genuka/server_sessions")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with platform(tmp_path_factory.mktemp("house")) as made:
        yield made


def test_the_same_on_mariadb(tmp_path: Path) -> None:
    with platform(tmp_path, "mariadb") as made:
        test_plan_sweep_plan(made)


def switched(house: House, *, on: bool) -> None:
    with house.control() as control:
        control.switches.switch("retention_sweep", on, by="s1", now=datetime.now(UTC))


def test_plan_sweep_plan(house: House) -> None:
    sessions(house, 8, 9, 3, 200)
    said = house.genuka("retention", "plan", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["databases"] == []
    rules = {rule["rule"]: rule for rule in said.json["rules"]}
    assert len(rules) > 30
    assert {tuple(rule) for rule in rules.values()} == {("rule", "clause", "due", "held", "kept_by_law", "oldest")}
    assert {rule: found["due"] for rule, found in rules.items() if found["due"]} == {
        IDLE: 3, "genuka/server_sessions.sessions.three_months_at_most": 1}  # fmt: skip
    assert rules[IDLE]["clause"] == "GK-36"
    oldest = datetime.fromisoformat(rules[IDLE]["oldest"])
    assert abs(datetime.now(UTC) - timedelta(days=200) - oldest) < timedelta(minutes=5)
    switched(house, on=False)
    house.refused("retention", "sweep", says="genuka go-live retention_sweep")
    assert left(house) == 4
    switched(house, on=True)
    future = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    house.refused("retention", "sweep", "--as-of", future, says="is no synthetic database")
    said = house.genuka("retention", "sweep", *ONLY, "--json")
    assert (said.code, said.err) == (0, "")
    swept = {rule["rule"]: rule for rule in said.json["rules"]}
    assert sum(rule["deleted"] for rule in swept.values()) == 3
    assert {rule["survivors"] for rule in swept.values()} == {0}
    assert left(house) == 1
    again = house.genuka("retention", "plan", *ONLY, "--json").json["rules"]
    assert {rule["due"] for rule in again} == {0}


def test_a_night_with_everything_ends_well(house: House) -> None:
    sessions(house, 30)
    switched(house, on=True)
    said = house.genuka("retention", "sweep", "--json")
    assert (said.code, said.err) == (0, ""), said
    assert left(house) == 0
    assert house.genuka("ledger", "verify", "--json").json["intact"]


def test_people_read_tables_in_their_language(house: House) -> None:
    sessions(house, 8)
    said = house.genuka("retention", "plan", *ONLY, GENUKA_LANGUAGE="fr")
    assert "À échéance" in said.out
    assert "gardées par la loi" in said.out
    assert "règles n'ont rien à échéance" in said.err
    switched(house, on=True)
    said = house.genuka("retention", "sweep", *ONLY)
    assert "sessions" in said.out
    assert "idle" in said.out


def test_a_bounded_sweep_leaves_the_rest_to_the_next(house: House) -> None:
    sessions(house, 8, 8, 8)
    switched(house, on=True)
    said = house.genuka("retention", "sweep", *ONLY, "--rows", "2", "--json")
    assert said.code == 0
    assert left(house) == 1


def test_what_nobody_could_look_at_is_exit_1_after_the_rest_was_done(house: House) -> None:
    sessions(house, 8)
    switched(house, on=True)
    elsewhere = house.env["GENUKA_DATABASE_URL"].rpartition("/")[0]
    query = house.env["GENUKA_DATABASE_URL"].partition("?")[2]
    lost = {"GENUKA_GENLETTER_URL": f"{elsewhere}/nowhere?{query}"}
    said = house.genuka("retention", "sweep", "--json", **lost)
    assert said.code == 1
    assert left(house) == 0
    unknown = [rule for rule in said.json["rules"] if rule["survivors"] is None]
    assert unknown
    assert all(rule["rule"].startswith("genletter/") and rule["unknown"] for rule in unknown)
    assert said.err.count("\n") == 1
    planned = house.genuka("retention", "plan", "--json", **lost)
    assert planned.code == 0
    assert any(rule["due"] is None for rule in planned.json["rules"])


def test_a_row_is_explained_without_its_key(house: House) -> None:
    (key,) = sessions(house, 2)
    said = house.genuka("retention", "explain", "--table", "sessions", "--id", key, "--json")
    assert said.code == 0
    (row,) = said.json["rows"]
    assert (row["due"], said.json["category"]) == (False, "genuka/server_sessions")
    assert any("GK-36" in sentence for sentence in said.json["said"]["en"])
    assert any("GK-36" in sentence for sentence in said.json["said"]["fr"])
    as_of = ("--as-of", said.json["as_of"])
    shown = house.genuka("retention", "explain", "--table", "sessions", "--id", key, *as_of, GENUKA_LANGUAGE="fr")
    assert shown.out.splitlines() == said.json["said"]["fr"]
    assert key not in said.out + shown.out


SECRET = "ada@example.org"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("plan", "--category", "genuka/server_session"), "did you mean genuka/server_sessions?"),
        (("plan", "--as-of", "tomorrow"), "is not a moment"),
        (("explain", "--table", "session", "--id", SECRET), "did you mean sessions?"),
        (("explain", "--table", "sessions", "--id", SECRET), "no row of 'sessions'"),
        (("explain", "--table", "sessions", "--id", SECRET, "--system", "genletter_database"), "genletter_database"),
        (("pace", "--pause", "--resume"), "opposites"),
        (("notices", "--sent", SECRET), "no notice with this id waits"),
    ],
)
def test_bad_input_is_one_sentence_that_repeats_no_key(house: House, arguments: tuple[str, ...], says: str) -> None:
    house.refused("retention", *arguments, says=says)
    assert SECRET not in house.genuka("retention", *arguments).err


def test_the_pace_is_shown_changed_and_obeyed(house: House) -> None:
    def pace(*arguments: str) -> dict[str, object]:
        said = house.genuka("retention", "pace", *arguments, "--json")
        assert said.code == 0, said
        found: dict[str, object] = said.json
        return found

    assert pace() == {"paused": False, "rows_per_second": None, "batch": None, "max_lag": None}
    assert pace("--rows-per-second", "50", "--max-lag", "2.5", "--pause")["paused"] is True
    sessions(house, 8, 8)
    switched(house, on=True)
    said = house.genuka("retention", "sweep", *ONLY, "--minutes", "0.005", "--json")
    assert (said.code, left(house)) == (0, 2), "it waits while it is paused"
    assert pace("--resume", "--batch", "100") == {"paused": False, "rows_per_second": 50, "batch": 100, "max_lag": 2.5}
    assert pace("--rows-per-second", "0", "--batch", "0", "--max-lag", "0")["batch"] is None
    assert "lignes par lot" in house.genuka("retention", "pace", GENUKA_LANGUAGE="fr").out


def test_notices_wait_until_they_were_sent(house: House) -> None:
    with house.opened() as runtime:
        runtime.control.notices.issue(
            "genuka/x.t.last_use", "01htenant", days=7, due_at=datetime(2027, 1, 1, tzinfo=UTC),
            now=datetime.now(UTC), keys=runtime.keyring,
        )  # fmt: skip
    said = house.genuka("retention", "notices", "--json")
    (notice,) = said.json["notices"]
    assert (notice["tenant"], notice["days"], notice["due"][:10]) == ("01htenant", 7, "2027-01-01")
    assert "01htenant" in house.genuka("retention", "notices").out
    done = house.genuka("retention", "notices", "--sent", notice["notice"], "--json").json
    assert done == {"notices": [], "sent": [notice["notice"]]}
