"""Asks one question of the archives and writes the answer into the ledger."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.export import ExportCheck
from genuka_pipelines.control.answers import record_answer
from genuka_pipelines.exports.asked import Asked

if TYPE_CHECKING:
    from genuka_pipelines.catalog.answer import Answer
    from genuka_pipelines.exports.house import Exporting


def ask(house: Exporting, check: ExportCheck, *, now: datetime) -> Answer:
    """The answer to a question about archives. They live by the wall clock: `now` is all their time."""
    answer: Answer = import_module(f"genuka_pipelines.exports.questions.{check}").ask(Asked(house, now))
    for key, plan in house.catalog.exports.items():
        clauses = plan.clauses.get(check, ())
        record_answer(house.control.ledger, answer, asset=key, check=check, clauses=clauses, as_of=now, now=now)
    return answer
