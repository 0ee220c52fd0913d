"""Does a restore lose again who was erased? Drills erase a few rows on purpose, and look for them."""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.catalog.answer import Answer


def ask(asked: Asked) -> Answer:
    """No where a drill failed, as it does when an erased row is back; unproven where there was nobody to erase."""
    drills = asked.drills()
    planted, failed = (sum(one.counts.get(name, 0) for one in drills) for name in ("planted", "failed"))
    counts = {"planted": planted, **({"failed": failed} if failed else {})}
    return Answer(bool(drills) and not failed, counts, unproven=not failed and bool(drills) and not planted)
