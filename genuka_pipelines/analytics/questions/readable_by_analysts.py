"""Can analysts open what is published, does it tell what the releases tell, and nothing else?"""

from __future__ import annotations

from genuka_pipelines.analytics.asked import Asked
from genuka_pipelines.catalog.answer import Answer

_NAMED = 5


def ask(asked: Asked) -> Answer:
    """No where an object is missing or differs; unproven before the first release."""
    from genuka_pipelines.analytics.publishing.verify import verify

    found = verify(asked.house, now=asked.now)
    counts = {"releases": found.releases, "tables": found.tables, "bad": len(found.bad)}
    if not found.releases:
        return Answer(passed=True, counts=counts, notes=("nothing is released yet",), unproven=True)
    notes = tuple(f"{fault.what}: {fault.why}" for fault in found.bad[:_NAMED])
    return Answer(passed=not found.bad, counts=counts, notes=notes)
