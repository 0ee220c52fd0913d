"""What every detector promises, whatever it looks for."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.quality.detectors import (
    FAMILIES,
    Finding,
    UnknownDetector,
    UnreadableBatch,
    detectors,
    find,
)

EVERY = detectors(*FAMILIES, "health")
CARD = "carte 4242 4242 4242 4242"


def test_each_has_its_own_name_and_a_title_in_both_languages() -> None:
    assert len({detector.id for detector in EVERY}) == len(EVERY) == 21
    for detector in EVERY:
        assert detector.title.fr
        assert detector.title.en
        assert detector.title.fr != detector.title.en
        assert detector.applies_to <= {"text", "json", "file_name", "hash"}


def test_a_detector_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVERY[0].kind = "other"  # type: ignore[misc]


def test_names_are_families_kinds_and_ids() -> None:
    assert {detector.kind for detector in detectors("cards")} == {
        "card_number",
        "card_security_code",
        "card_expiry",
        "card_track",
    }
    assert [detector.id for detector in detectors("union_membership")] == ["union.stated", "union.recorded"]
    assert [detector.id for detector in detectors("cards.track")] == ["cards.track"]
    assert detectors("cards", "card_number") == detectors("cards")


def test_health_runs_only_when_asked_for_by_name() -> None:
    assert not any(detector.kind == "health" for detector in detectors())
    assert not any(detector.kind == "health" for detector in detectors("special_categories"))
    assert [detector.kind for detector in detectors("health")] == ["health", "health"]


def test_an_unknown_name_is_answered_with_the_valid_ones() -> None:
    with pytest.raises(
        UnknownDetector, match=r"'card_numbers'.*card_number.*religious_belief.*passwords.weak_hash"
    ) as told:
        detectors("cards", "card_numbers")
    assert told.value.exit_code == 2


def test_findings_come_by_row_then_by_detector() -> None:
    values = ["", None, f"{CARD} 12/27 123", "rien", CARD]
    assert find(values, detectors("cards")) == [
        Finding(2, "card_number", "cards.number"),
        Finding(2, "card_security_code", "cards.security_code"),
        Finding(2, "card_expiry", "cards.expiry"),
        Finding(4, "card_number", "cards.number"),
    ]


@pytest.mark.parametrize("values", [[], [None], [""], [None, None, "", " ", "\n"]])
def test_nothing_is_found_in_nothing(values: list[str | None]) -> None:
    assert find(values, EVERY) == [] or {found.kind for found in find(values, EVERY)} == {"plain_password"}
    assert find(values, detectors("cards", "special_categories", "contacts")) == []


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, CARD]),
        pa.array([None, CARD], pa.large_string()),
        pa.array([None, CARD], pa.string_view()),
        pa.array([None, CARD]).dictionary_encode(),
        pa.chunked_array([pa.array([None], pa.string()), pa.array([CARD])]),
        pa.array(["x", None, CARD]).slice(1),
        (None, CARD),
    ],
)
def test_arrow_columns_are_read_as_they_are(column: pa.Array) -> None:
    assert find(column, detectors("card_number")) == [Finding(1, "card_number", "cards.number")]


def test_an_arrow_column_without_any_value_is_read() -> None:
    assert find(pa.nulls(3), detectors("cards")) == []


@pytest.mark.parametrize("wrong", [b"4242", 4242, 1.5, ["4242"], object()])
def test_what_is_not_text_is_refused_without_being_quoted(wrong: object) -> None:
    with pytest.raises(UnreadableBatch, match=r"batch holds .*, text was expected") as told:
        find(["x", wrong], detectors("cards"))
    assert "4242" not in str(told.value)
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_one_text_is_no_column() -> None:
    with pytest.raises(UnreadableBatch, match="one text"):
        find(CARD, detectors("cards"))


def test_an_iterable_is_read_once_and_whole() -> None:
    values = iter([None, f"\ud800 {CARD}", CARD])
    assert [found.row for found in find(values, detectors("card_number"))] == [1, 2]


def test_arrow_numbers_are_refused_without_being_quoted() -> None:
    with pytest.raises(UnreadableBatch, match="Arrow int64, text was expected"):
        find(pa.array([4242424242424242]), detectors("cards"))


def test_a_lone_surrogate_does_not_hide_what_is_beside_it() -> None:
    assert find([f"\ud800 {CARD} \udfff"], detectors("card_number")) == [Finding(0, "card_number", "cards.number")]


def test_the_marks_of_the_readers_cannot_be_written_into_a_text() -> None:
    forged = ["\ue000", "\ue001", "\ue000 12/27 123", "\ue010 catholique.", "\\ue000", "&#57344;", "&#xE001;"]
    assert find(forged, detectors("cards", "special_categories")) == []


@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), max_size=8))
def test_any_text_is_read_and_each_finding_is_a_place_and_two_known_names(values: list[str | None]) -> None:
    names = {(detector.kind, detector.id) for detector in EVERY}
    for finding in find(values, EVERY):
        assert values[finding.row] is not None
        assert finding[1:] in names


@given(st.lists(st.sampled_from([CARD, "Je suis catholique.", "cvv 123", "rien", None, "a@exemple.test"]), max_size=8))
def test_what_one_finds_does_not_depend_on_who_runs_beside_it(values: list[str | None]) -> None:
    several = detectors("card_number", "card_security_code", "email_address", "belief.stated")
    together = find(values, several)
    apart = [one for detector in several for one in detector.scan(values)]
    assert sorted(together) == sorted(apart)


@pytest.mark.parametrize(
    "text",
    [
        times * part
        for times, part in (
            *((100_000, "4"), (2_000, "4111 "), (5_000, "4 "), (3_000, "je suis "), (2_000, "le candidat ")),
            *((10_000, "1,"), (5_000, "cvv "), (10_000, "a@"), (10_000, "<a "), (10_000, "\\u"), (10_000, "&#")),
            *((10_000, "de "), (50_000, "'")),
        )
    ],
    ids=lambda text: text[:8],
)
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    # Each of these would take minutes, or for ever, were one pattern quadratic or worse.
    find([text], EVERY)


def test_importing_the_room_loads_no_heavy_library() -> None:
    program = (
        "import sys, genuka_pipelines.quality.detectors as d\n"
        "d.detectors()\n"
        "print([m for m in ('pyarrow', 'numpy', 'pandas', 'dagster', 'great_expectations') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
