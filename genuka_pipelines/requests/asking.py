"""Asks one question of the register and writes the answer into the ledger."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.request import RequestCheck
from genuka_pipelines.control.answers import record_answer
from genuka_pipelines.requests.asked import Asked

if TYPE_CHECKING:
    from genuka_pipelines.catalog.answer import Answer
    from genuka_pipelines.rows.house import House


def ask(house: House, check: RequestCheck, *, as_of: datetime, now: datetime) -> Answer:
    """The answer to a question about requests."""
    answer: Answer = import_module(f"genuka_pipelines.requests.questions.{check}").ask(Asked(house, as_of, now))
    for key, plan in house.catalog.requests.items():
        record_answer(
            house.control.ledger, answer, asset=key, check=check, clauses=plan.clauses.get(check, ()), as_of=as_of,
            now=now,
        )  # fmt: skip
    return answer
