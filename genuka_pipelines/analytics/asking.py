"""Asks one question of what analysts read and writes the answer into the ledger."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module

from genuka_pipelines.analytics.asked import Asked, House
from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.published import AnalyticsCheck
from genuka_pipelines.control.answers import record_answer


def ask(house: House, check: AnalyticsCheck, key: str, *, now: datetime) -> Answer:
    """The answer to a question about the asset `key`. Releases live by the wall clock: `now` is all their time."""
    module = import_module(f"genuka_pipelines.analytics.questions.{check}")
    asked = Asked(house, key, now)
    answer: Answer = module.ask(asked)
    privacy = house.catalog.privacy
    clauses = privacy.clauses_of(check, house.catalog.published.get(asked.name)) if privacy else ()
    record_answer(house.control.ledger, answer, asset=key, check=check, clauses=clauses, as_of=now, now=now)
    return answer
