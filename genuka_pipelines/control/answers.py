"""Writes the answer to a question into the ledger: what only Dagster knew would prove nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.control.bodies import Check
from genuka_pipelines.control.ledger import Ledger

UNPROVEN = "unproven"


def record_answer(
    ledger: Ledger, answer: Answer, *, asset: str, check: str, clauses: Sequence[str], as_of: datetime, now: datetime
) -> None:
    """One entry for one answer, found again by `asset#check`."""
    counts = {**answer.counts, **({UNPROVEN: 1} if answer.unproven else {})}
    said = Check(
        asset=asset,
        check=check,
        clauses=tuple(clauses),
        passed=answer.passed,
        severity=answer.severity,
        counts=counts,
    )
    ledger.append(said, as_of=as_of, now=now)
