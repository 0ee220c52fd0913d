"""Are there no card data at all? Reads every text, document and file name of what Genuka controls."""

from __future__ import annotations

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.hunting import hunt


def ask(asked: Asked) -> Answer:
    """No where a card number, or a security code, expiry or track beside one, is found anywhere."""
    return hunt(asked, "cards")
