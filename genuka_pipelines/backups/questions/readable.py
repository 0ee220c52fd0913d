"""Can it be read: the newest night whole, and of all others tonight's share, so that each object has its turn?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.regions.verifying import Reason, share
from genuka_pipelines.catalog.answer import Answer, none_found

_REASONS: tuple[Reason, ...] = ("damaged", "foreign", "shredded")
EVERY = 28
"""Nights within which every object is read once."""


def ask(asked: Asked) -> Answer:
    """No where an object that was read is not what its manifest says."""
    found = asked.verified(share(seed=0, nights=EVERY, night=asked.now.toordinal()))
    answer = none_found({reason: len(found.bad_keys(reason)) for reason in _REASONS})
    return Answer(answer.passed, {"read": found.read, "orphans": found.orphans, **answer.counts}, answer.notes)
