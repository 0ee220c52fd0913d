"""Has every tenant a backup, and the platform: those of the registers as the newest night saw them?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.catalog.answer import Answer, none_found


def ask(asked: Asked) -> Answer:
    """No where somebody has no backup or could not be captured, or the newest night is too old.

    `since` counts who is in the registers now and was not then: they came after it began, and are the next night's.
    """
    header = asked.newest
    if header is None or asked.stale:
        return Answer(passed=False, counts={"stale": 1}, notes=("the newest night is older than the plan allows",))
    night = asked.night(header.backup)
    missing = [owner for owner in night.tenants if owner not in night.owners or night.owners[owner].backup is None]
    answer = none_found({"missing": len(missing), "failed": sum(state.failed for state in night.owners.values())})
    known = set(night.tenants.values())
    since = {tenant for system in asked.plan.databases for tenant in asked.house.databases(system).tenants(asked.now)}
    counts = {"owners": len(night.owners), "since": len(since - known), **answer.counts}
    return Answer(answer.passed and None in known, counts, answer.notes)
