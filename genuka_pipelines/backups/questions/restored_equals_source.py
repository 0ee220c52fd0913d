"""Did last night's drills bring back what was captured, the same, and in the time that is declared?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.catalog.answer import Answer, none_found


def ask(asked: Asked) -> Answer:
    """No where a drill failed or took longer than the objective, or where none was held."""
    drills = asked.drills()
    if not drills:
        return Answer(passed=False, counts={"drilled": 0}, notes=("no drill was held as lately as the plan asks",))
    summed = {name: sum(receipt.counts.get(name, 0) for receipt in drills) for name in ("drilled", "rows")}
    answer = none_found({name: sum(one.counts.get(name, 0) for one in drills) for name in ("failed", "late")})
    return Answer(answer.passed, {**summed, **answer.counts}, answer.notes)
