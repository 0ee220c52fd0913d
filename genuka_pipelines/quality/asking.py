"""Asks one question of one asset and writes the answer into the ledger.

Clause states are read from there, so an answer that only Dagster knew would prove nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from importlib import import_module
from typing import Literal

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.control.answers import record_answer
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.surroundings import Surroundings


def ask(house: Surroundings, name: str, key: str, *, as_of: datetime, now: datetime) -> Answer:
    """The answer to question `name` for asset `key`, with the severity that the facts give it."""
    question = house.catalog.questions[name]
    module = import_module(f"genuka_pipelines.quality.questions.{question.asks}")
    found: Answer = module.ask(Asked(house, name, key, as_of, now))
    severity: Literal["error", "warn"] = "warn" if "warn" in (question.severity, found.severity) else "error"
    answer = replace(found, severity=severity)
    record_answer(house.control.ledger, answer, asset=key, check=name, clauses=question.clauses, as_of=as_of, now=now)
    return answer
