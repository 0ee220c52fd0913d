"""Is the free text free of origin, opinions, beliefs, union membership and sexual life?"""

from __future__ import annotations

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.hunting import hunt


def ask(asked: Asked) -> Answer:
    """A hint and not a proof: each finding waits for a person in the review queue, until it expires."""
    return hunt(asked, "special_categories")
