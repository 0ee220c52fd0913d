"""Does the region hold the newest night whole: every manifest it names, and all that each rests on?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.regions.verifying import nothing
from genuka_pipelines.catalog.answer import Answer, none_found


def ask(asked: Asked) -> Answer:
    """No where an object is missing, or where the region has no night young enough."""
    if asked.newest is None or asked.stale:
        return Answer(passed=False, counts={"stale": 1}, notes=("the region has no night as young as the plan asks",))
    found = asked.verified(nothing, newest_only=True)
    partial = sum(state.failed for state in asked.newest.owners.values())
    answer = none_found({"missing": len(found.bad_keys("missing")), "failed": partial})
    return Answer(answer.passed, {"objects": found.objects, "bytes": found.bytes, **answer.counts}, answer.notes)
