"""Asks one question of one part of the backups and writes the answer into the ledger."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.backup import BackupCheck, BackupPlan
from genuka_pipelines.control.answers import record_answer

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable


def ask(house: Backupable, plan: BackupPlan, check: BackupCheck, key: str, *, now: datetime) -> Answer:
    """The answer to a question about the asset `key`. Backups live by the wall clock: `now` is all their time."""
    module = import_module(f"genuka_pipelines.backups.questions.{check}")
    answer: Answer = module.ask(Asked(house, plan, key, now))
    record_answer(
        house.control.ledger,
        answer,
        asset=key,
        check=check,
        clauses=plan.clauses.get(check, ()),
        as_of=now,
        now=now,
    )
    return answer
