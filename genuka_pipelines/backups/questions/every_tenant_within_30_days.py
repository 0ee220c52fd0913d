"""Was everyone restored in a drill within the period of the plan, who has been backed up for as long?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.drills.sampling import drillable, overdue
from genuka_pipelines.backups.regions import nights
from genuka_pipelines.backups.restoring import Reach
from genuka_pipelines.catalog.answer import Answer, none_found


def ask(asked: Asked) -> Answer:
    """No where somebody waits longer; unproven before the first drill."""
    now, house = asked.now, asked.house
    known = drillable(Reach.of(house, now), house.control.ledger)
    limit = asked.plan.drilled_within.cutoff(now)
    before = (one for one in nights.headers(asked.region, verify=house.keyring.verify, now=now) if one.created <= limit)
    long = next(before, None)
    since = frozenset(long.owners) if long else frozenset()
    late = [owner for owner in overdue(known, now=now, within=now - limit) if owner in since]
    drilled = sum(one.last is not None for one in known)
    answer = none_found({"late": len(late)})
    counts = {"owners": len(known), "drilled": drilled, **answer.counts}
    return Answer(answer.passed, counts, answer.notes, unproven=answer.passed and not drilled)
