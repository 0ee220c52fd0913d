"""Reads a value as the card detectors need it: plain digits, and a mark for each card number.

Marks let every other rule say "beside a card number" without looking for one again, and keep
long numbers that are nobody's card (IBAN, UUID) from being cut into ones that look like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from genuka_pipelines.quality.detectors.cards.context import CARD
from genuka_pipelines.quality.detectors.cards.ibans import without_ibans
from genuka_pipelines.quality.detectors.cards.issuers import speaks
from genuka_pipelines.quality.detectors.cards.numbers import Span, card_numbers, cards_apart
from genuka_pipelines.quality.detectors.digits import ascii_digits
from genuka_pipelines.quality.detectors.text import plain

TRACK: Final = "\ue001"
"""Stands for a magnetic stripe's data in a text that was read."""

_OWN_MARKS = re.compile(f"[{CARD}{TRACK}]")
_PERCENT = re.compile(r"%(?:(20|A0|0A)|2D|2E|5F)", re.IGNORECASE)
_UUID = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")
_STRIPE = re.compile(
    r"(?<![A-Za-z0-9])%?[Bb]([0-9]{12,19})\^[^\^\n]{2,26}\^[0-9]{4}|(?<![0-9]);?([0-9]{12,19})=[0-9]{7,}"
)


def read(raw: str) -> str:
    """`raw` as plain text in which `CARD` stands for each card number and `TRACK` for stripe data."""
    text = ascii_digits(_OWN_MARKS.sub(" ", plain(raw)))
    if "%" in text:
        text = _PERCENT.sub(lambda found: " " if found[1] else "-", text)
    if text.count("-") > 3:
        text = _UUID.sub(" uuid ", text)
    text = without_ibans(text)
    if "^" in text or "=" in text:
        text = _STRIPE.sub(lambda found: found[0] if speaks(found[1] or found[2]) is None else TRACK, text)
    text = _marked(text, card_numbers(text))
    return _marked(text, cards_apart(text))


def _marked(text: str, spans: Iterable[Span]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], CARD]
        at = end
    return "".join([*parts, text[at:]])
