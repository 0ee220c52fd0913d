"""*Kept* is earned by evidence: what is missing, old, unknown or unproven never counts as kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.control import Check, Entry, Observation
from genuka_pipelines.report.status import FRESH, Evidence, worst

NOW = datetime(2026, 5, 3, 6, tzinfo=UTC)


def entry(body: Check | Observation, at: datetime = NOW) -> Entry[Check | Observation]:
    return Entry(1, at, at, body, "0" * 64, "1" * 64)


def check(passed: bool, severity: str = "error", at: datetime = NOW, **counts: int) -> Evidence:
    body = Check.model_validate(
        {"asset": "genuka/a", "check": "c", "clauses": (), "passed": passed, "severity": severity, "counts": counts}
    )
    return Evidence({("genuka/a", "c"): entry(body, at)}, {}, NOW)  # type: ignore[dict-item]


def seen(rows: dict[str, int | None], at: datetime = NOW) -> Evidence:
    body = Observation.model_validate({"category": "genuka/a", "rows": rows})
    return Evidence({}, {"genuka/a": entry(body, at)}, NOW)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("evidence", "keeper", "state"),
    [
        (check(True), "check:genuka/a#c", "kept"),
        (check(False), "check:genuka/a#c", "broken"),
        (check(False, "warn"), "check:genuka/a#c", "unproven"),
        (check(True, unproven=1), "check:genuka/a#c", "unproven"),
        (check(True, at=NOW - FRESH - timedelta(seconds=1)), "check:genuka/a#c", "unproven"),
        (check(True), "check:genuka/a#other", "unproven"),
        (check(True), "asset:genuka/a", "unproven"),
        (seen({"t": 3}), "asset:genuka/a", "kept"),
        (seen({"t": 0}), "asset:genuka/a", "kept"),
        (seen({"t": 3, "u": None}), "asset:genuka/a", "unproven"),
        (seen({"t": 3}, NOW - FRESH - timedelta(seconds=1)), "asset:genuka/a", "unproven"),
        (seen({"t": 3}), "planned:retention_sweep", "planned"),
        (seen({"t": 3}), "procedure:authorities", "procedure"),
        (seen({"t": 3}), "asset:systems/x", "unproven"),
    ],
)
def test_the_state_of_a_keeper(evidence: Evidence, keeper: str, state: str) -> None:
    assert evidence.of(keeper) == state


def test_the_worst_keeper_decides() -> None:
    assert worst(["kept", "planned", "broken"]) == "broken"
    assert worst(["kept", "planned", "unproven"]) == "planned"
    assert worst(["kept", "unproven"]) == "unproven"
    assert worst(["kept", "kept"]) == "kept"
    assert worst([]) == "unproven"
