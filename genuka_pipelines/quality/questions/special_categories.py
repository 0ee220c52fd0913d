"""Is the free text free of origin, opinions, beliefs, union membership and sexual life?"""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.quality.answer import Answer
from genuka_pipelines.quality.hunting import hunt
from genuka_pipelines.quality.surroundings import Surroundings


def ask(house: Surroundings, key: str, as_of: datetime, name: str) -> Answer:
    """A hint and not a proof: each finding waits for a person in the review queue, until it expires."""
    return hunt(house, key, as_of, name, "special_categories")
