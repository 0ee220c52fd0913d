"""Is every period there, from the table's first release to the last that is complete?"""

from __future__ import annotations

from genuka_pipelines.analytics.asked import Asked
from genuka_pipelines.catalog.answer import Answer

_NAMED = 10


def ask(asked: Asked) -> Answer:
    """No where a period is missing; unproven before the first release."""
    from genuka_pipelines.analytics.publishing.completeness import GRACE, missing_periods

    released = {slot.period for slot in asked.released}
    if not released:
        return Answer(passed=True, counts={"released": 0}, notes=("nothing is released yet",), unproven=True)
    lacking = missing_periods(asked.house, asked.name, asked.now - GRACE, released)
    named = f"{', '.join(lacking[:_NAMED])}{' …' if len(lacking) > _NAMED else ''}"
    return Answer(
        passed=not lacking,
        counts={"released": len(released), "missing": len(lacking)},
        notes=(f"missing: {named}",) if lacking else (),
    )
