"""Are there no card data at all? Reads every text, document and file name of what Genuka controls."""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.quality.answer import Answer
from genuka_pipelines.quality.hunting import hunt
from genuka_pipelines.quality.surroundings import Surroundings


def ask(house: Surroundings, key: str, as_of: datetime, name: str) -> Answer:
    """No where a card number, or a security code, expiry or track beside one, is found anywhere."""
    return hunt(house, key, as_of, name, "cards")
