"""The review queue at the terminal: places and opaque ids, one decision each, nothing of what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.control import Finding, ReviewUnknown
from tests.cli.house import House, new_house

KINDS = ("postgresql", "mariadb")
MONTH = timedelta(days=30)


def finding(number: int, **changed: object) -> Finding:
    fields: dict[str, object] = {
        "check": "no_special_categories", "category": "genuka/job_applications", "table": "applications",
        "column": "letter", "row": f"{number:064x}", "detector": "belief",
    }  # fmt: skip
    return Finding.model_validate(fields | changed)


@pytest.fixture(scope="module", params=KINDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with new_house(tmp_path_factory.mktemp("house"), request.param) as made:
        yield made


@pytest.fixture
def house(shared: House) -> House:
    """With an empty queue."""
    with shared.control() as control:
        control.reviews.expire(datetime.now(UTC) + 100 * MONTH)
    return shared


def queue(house: House, *findings: Finding, ago: timedelta = timedelta(), keep: timedelta = MONTH) -> datetime:
    """Puts findings into the queue; when they expire."""
    found_at = datetime.now(UTC).replace(microsecond=0) - ago
    with house.control() as control:
        control.reviews.record(findings, now=found_at, keep=keep)
    return found_at + keep


def test_what_waits_is_grouped_by_place_and_detector(house: House) -> None:
    late = queue(house, finding(1, count=3), finding(2), finding(3, detector="union"))
    soon = queue(house, finding(4, count=2), ago=timedelta(days=9))
    queue(house, finding(5), ago=2 * MONTH)
    said = house.genuka("review", "list", "--json")
    assert (said.code, said.err) == (0, "")
    place = {"check": "no_special_categories", "category": "genuka/job_applications", "column": "applications.letter"}
    first, second = said.json["groups"]
    assert said.json["waiting"] == 4
    assert first == {
        **place, "detector": "belief", "count": 6, "expires": soon.isoformat(),
        "ids": [finding(4).id, *sorted((finding(1).id, finding(2).id))],
    }  # fmt: skip
    assert second == {**place, "detector": "union", "count": 1, "expires": late.isoformat(),
                      "ids": [finding(3, detector="union").id]}  # fmt: skip


def test_people_see_a_row_a_group_and_no_row_of_anyone(house: House) -> None:
    queue(house, finding(1), finding(2))
    said = house.genuka("review", "list")
    (row,) = [line for line in said.out.splitlines() if "belief" in line]
    assert "applications.letter" in row
    assert min(finding(1).id, finding(2).id)[:12] in row
    for number in (1, 2):
        assert finding(number).row not in said.out + house.genuka("review", "list", "--json").out
    assert "Signalements en attente" in house.genuka("review", "list", GENUKA_LANGUAGE="fr").out


def test_an_empty_queue_is_an_empty_table(house: House) -> None:
    said = house.genuka("review", "list", "--json")
    assert (said.code, said.json) == (0, {"waiting": 0, "groups": []})
    assert house.genuka("review", "list").code == 0


@pytest.mark.parametrize("decision", ["confirmed", "dismissed"])
def test_a_decision_is_taken_once_by_the_whole_id_or_its_start(house: House, decision: str) -> None:
    queue(house, finding(1), finding(2))
    one, other = finding(1).id, finding(2).id
    said = house.genuka("review", "decide", one[:12], "--as", decision, "--json")
    assert (said.code, said.json) == (0, {"id": one, "decision": decision})
    assert house.genuka("review", "decide", other, "--as", decision).code == 0
    assert house.genuka("review", "list", "--json").json["waiting"] == 0
    for again in (one, one[:12], other):
        house.refused("review", "decide", again, "--as", decision, says="it is decided, has expired, or never was")
    with house.control() as control, pytest.raises(ReviewUnknown):
        control.reviews.decide(one, "dismissed", now=datetime.now(UTC))


def test_what_cannot_be_decided_says_so(house: House) -> None:
    queue(house, finding(1), ago=2 * MONTH)
    wrong = {
        (finding(1).id, "confirmed"): "has expired",
        ("f" * 64, "confirmed"): "never was",
        ("f" * 12, "confirmed"): "never was",
        ("marie@example.org", "confirmed"): "this is not the id of a finding",
        ("abc", "confirmed"): "this is not the id of a finding",
        ("F" * 64, "confirmed"): "this is not the id of a finding",
        ("f" * 64, "false_alarm"): "--as is not a decision: write confirmed or dismissed",
    }
    for (which, decision), says in wrong.items():
        house.refused("review", "decide", which, "--as", decision, says=says)
    said = house.genuka("review", "decide", "marie@example.org", "--as", "confirmed")
    assert "marie" not in said.err


def test_a_start_that_fits_two_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(house, *(finding(number) for number in range(300)))
    monkeypatch.setattr("genuka_pipelines.cli.review._ID", re.compile("[0-9a-f]+"))
    starts = [finding(number).id[0] for number in range(300)]
    house.refused("review", "decide", starts[0], "--as", "dismissed", says="have an id that begins so")
    assert house.genuka("review", "list", "--json").json["waiting"] == 300


def test_more_than_are_listed_are_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(house, *(finding(number) for number in range(5)))
    monkeypatch.setattr("genuka_pipelines.cli.review.LISTED", 3)
    said = house.genuka("review", "list", "--json")
    assert (said.json["waiting"], len(said.json["groups"][0]["ids"])) == (5, 3)
    assert "3 of 5 are shown" in house.genuka("review", "list").err


def test_a_control_database_that_is_away_is_one_sentence(house: House) -> None:
    url = "postgresql://u:s3cr3t@127.0.0.1:1/control"
    house.refused("review", "list", says="127.0.0.1", GENUKA_CONTROL_URL=url)
