from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Control, Finding, NotOpaque, ReviewUnknown

MONTH = timedelta(days=30)


def finding(number: int = 0, /, **changed: object) -> Finding:
    fields: dict[str, object] = {
        "check": "no_special_categories", "category": "genuka/job_applications", "table": "applications",
        "column": "letter", "row": f"{number:064x}", "detector": "belief",
    }  # fmt: skip
    return Finding.model_validate(fields | changed)


def test_the_same_finding_again_is_not_a_second_one(control: Control, now: datetime) -> None:
    control.reviews.record([finding(1), finding(2)], now=now, keep=MONTH)
    control.reviews.record([finding(1, count=3), finding(1, count=4)], now=now + MONTH / 2, keep=MONTH)
    control.reviews.record([], now=now, keep=MONTH)
    assert control.reviews.waiting(now) == {("no_special_categories", "genuka/job_applications"): 2}
    first, second = control.reviews.pending(now)
    assert {first.finding.count, second.finding.count} == {1, 4}
    assert {first.expires_at, second.expires_at} == {now + MONTH}
    assert (first.found_at, first.decided_at, first.decision) == (now, None, None)


def test_a_nightly_check_cannot_keep_a_finding_for_ever(control: Control, now: datetime) -> None:
    for night in range(0, 29, 7):
        control.reviews.record([finding()], now=now + timedelta(days=night), keep=MONTH)
    assert control.reviews.waiting(now + MONTH) == {}
    assert control.reviews.expire(now + MONTH - timedelta(microseconds=1)) == 0
    assert control.reviews.expire(now + MONTH) == 1
    assert control.reviews.expire(now + MONTH) == 0


def test_a_decision_is_taken_once(control: Control, now: datetime) -> None:
    control.reviews.record([finding(1), finding(2, check="other")], now=now, keep=MONTH)
    (review,) = [each for each in control.reviews.pending(now) if each.finding.check == "other"]
    control.reviews.decide(review.id, "dismissed", now=now)
    control.reviews.record([finding(2, check="other", count=9)], now=now, keep=MONTH)
    assert control.reviews.waiting(now) == {("no_special_categories", "genuka/job_applications"): 1}
    for gone in (review.id, "f" * 64):
        with pytest.raises(ReviewUnknown, match="list those that wait"):
            control.reviews.decide(gone, "confirmed", now=now)
    with pytest.raises(ReviewUnknown):
        control.reviews.decide(finding(1).id, "confirmed", now=now + MONTH)


def test_two_checks_at_once_do_not_wait_for_each_other(control: Control, now: datetime) -> None:
    findings = [finding(number) for number in range(1200)]
    failures: list[GenukaError] = []
    ended: list[int] = []

    def record(mine: list[Finding]) -> None:
        try:
            control.reviews.record(mine, now=now, keep=MONTH)
        except GenukaError as failure:
            failures.append(failure)
        else:
            ended.append(len(mine))

    threads = [threading.Thread(target=record, args=(order,)) for order in (findings, findings[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, ended) == ([], [1200, 1200])
    assert sum(control.reviews.waiting(now).values()) == 1200
    assert len(control.reviews.pending(now, limit=7)) == 7


@pytest.mark.parametrize("column", ["row", "detector", "table", "category"])
def test_no_excerpt_fits(column: str) -> None:
    with pytest.raises(NotOpaque, match=column) as refused:
        finding(0, **{column: "je suis croyant"})
    assert "croyant" not in str(refused.value)
