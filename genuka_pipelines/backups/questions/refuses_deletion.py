"""Does the region refuse to delete what is locked? A canary is really attacked, every night."""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.regions.canary import attack_canary
from genuka_pipelines.catalog.answer import Answer


def ask(asked: Asked) -> Answer:
    """No where it could be deleted or its lock shortened; unproven where only this program refused."""
    canary = attack_canary(asked.region, now=asked.now)
    counts = {
        "deleted": int(not canary.deletion_refused),
        "shortened": int(not canary.shortening_refused),
        "unlocked": int(not canary.locked),
    }
    unproven = canary.alive and canary.lock != "compliance"
    return Answer(canary.alive, counts, (f"the lock is {canary.lock}",), unproven=unproven)
