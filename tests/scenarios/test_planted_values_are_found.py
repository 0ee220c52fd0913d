"""With `--plant`, forbidden values stand in known places; the questions must find every one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.keepers import asked
from genuka_pipelines.quality.asking import ask
from genuka_pipelines.quality.inspection import inspect_category
from genuka_pipelines.runtime import Runtime, open_runtime
from genuka_pipelines.settings import load_settings
from tests.scenarios.houses import Told

FOUND_BY = {
    "card_number": "no_card_numbers",
    "card_security_code": "no_card_numbers",
    "card_expiry": "no_card_numbers",
    "card_track": "no_card_numbers",
    "offer_stage": "offer_stage_only",
    "plain_password": "passwords_hashed",
    "weak_password_hash": "passwords_hashed",
    "without_tenant": "tenants_apart",
    "cross_tenant": "tenants_apart",
    "undeclared_table": "as_declared",
    "undeclared_column": "as_declared",
    "address_not_needed": "addresses_needed",
}
SPECIAL = ("ethnic_origin", "political_opinion", "religious_belief", "union_membership", "sex_life")


@pytest.fixture(scope="module")
def planted(planted_house: Told) -> Iterator[tuple[Runtime, list[dict[str, Any]]]]:
    """The opened house, and what was planted in it."""
    assert planted_house.said.code == 0, planted_house.said.err
    with open_runtime(load_settings({"GENUKA_HOME": str(planted_house.house.home)})) as runtime:
        yield runtime, planted_house.said.json["planted"]


@pytest.fixture(scope="module")
def answers(planted: tuple[Runtime, list[dict[str, Any]]]) -> dict[str, dict[str, Answer]]:
    """Every question's answer, by question and asset."""
    runtime, _ = planted
    now = datetime.now(UTC)
    said: dict[str, dict[str, Answer]] = defaultdict(dict)
    for name, question in runtime.catalog.questions.items():
        if question.asks != "in_declared_places":
            for key in asked(runtime.catalog, question):
                said[name][key] = ask(runtime, name, key, as_of=now, now=datetime.now(UTC))
    return said


def _named(answers: dict[str, Answer]) -> str:
    return " ".join(f"{name} {' '.join(answer.notes)} {' '.join(answer.counts)}" for name, answer in answers.items())


def test_every_kind_planted_is_expected_here(planted: tuple[Runtime, list[dict[str, Any]]]) -> None:
    kinds = {thing["kind"] for thing in planted[1]}
    assert kinds - set(FOUND_BY) - set(SPECIAL) <= {"overdue"} | {k for k in kinds if k.startswith("overdue")}, kinds


def test_each_planted_place_is_named_by_its_question(
    planted: tuple[Runtime, list[dict[str, Any]]], answers: dict[str, dict[str, Answer]]
) -> None:
    runtime, things = planted
    opted_out = _not_opted_in(runtime)
    missed = []
    for thing in things:
        question = FOUND_BY.get(thing["kind"], "no_special_categories" if thing["kind"] in SPECIAL else None)
        if question is None or thing in opted_out:
            continue
        said = _named(answers[question])
        if not any(not answer.passed for answer in answers[question].values()) or thing["table"] not in said:
            missed.append(thing)
    assert not missed, missed


def _not_opted_in(_runtime: Runtime) -> list[dict[str, Any]]:
    """Things planted with tenants that did not agree to be read; the seeder plants with those that did."""
    return []


def test_no_answer_holds_a_value(answers: dict[str, dict[str, Answer]]) -> None:
    said = " ".join(_named(by_key) for by_key in answers.values())
    for value in ("4111", "5555", "catholique", "CGT", "syndicat"):
        assert value not in said


def test_findings_wait_for_a_person(planted: tuple[Runtime, list[dict[str, Any]]], answers: object) -> None:
    runtime, _ = planted
    waiting = runtime.control.reviews.waiting(datetime.now(UTC))
    assert waiting[("no_special_categories", "genuka/job_applications")] > 0


def test_every_overdue_row_is_counted(planted: tuple[Runtime, list[dict[str, Any]]]) -> None:
    runtime, things = planted
    now = datetime.now(UTC)
    overdue = {thing["table"] for thing in things if thing["kind"].startswith("overdue")}
    assert overdue
    due: set[str] = set()
    for key, category in runtime.catalog.categories.items():
        if category.tables and runtime.catalog.systems[category.system].kind == "database":
            found = inspect_category(runtime, key, as_of=now, now=datetime.now(UTC))
            due |= {name.split(".")[0] for name, number in found.due.items() if number}
    assert overdue <= due, overdue - due
