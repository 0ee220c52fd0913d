"""Is every object locked until its epoch ends, and no longer?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.regions.verifying import Reason, nothing
from genuka_pipelines.catalog.answer import Answer, none_found

_REASONS: tuple[Reason, ...] = ("unlocked", "lock_short", "lock_long")


def ask(asked: Asked) -> Answer:
    """No where a lock is missing, short or too long; unproven where nobody but this program enforces it."""
    found = asked.verified(nothing)
    answer = none_found({reason: len(found.bad_keys(reason)) for reason in _REASONS})
    lock = asked.region.store.capabilities().lock
    counts = {"objects": found.objects, **answer.counts}
    return Answer(answer.passed, counts, (f"the lock is {lock}",), unproven=answer.passed and lock != "compliance")
