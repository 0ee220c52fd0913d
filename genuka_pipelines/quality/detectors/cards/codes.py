"""Finds security codes and expiry dates, which are three digits and a month until a card is near.

Every rule here asks for a word that speaks of payment cards, or a card number, beside the
digits: without one, door codes, visas, lots of goods and subscriptions would fill the queue.
"""

from __future__ import annotations

import re

from genuka_pipelines.quality.detectors.cards.context import CARD, PAYMENT

_UNIT = r"[kK]?[wW]|kVA|m[23²³]|k?€|[xX][aA][fF]|F?CFA|EUR|F\b|mm|cm|%|e\b"
_CODE = rf"(?<![0-9])(?!0{{3,4}}(?![0-9]))[0-9]{{3,4}}(?![0-9A-Za-z])(?![.,][0-9])(?!\s?(?:{_UNIT}))"
_UP_TO_CODE = rf"[^0-9\n.!?{CARD}]{{0,25}}{_CODE}"
_SURE_CODE = re.compile(
    r"(?:(?<![a-z0-9])(?:card_?)?(?:cvv2?|cvc2|cav2)(?![a-z])|cryptogramme visuel|"
    r"cryptogramme de (?:la|ma|sa|votre) (?:carte|cb)|card ?verification ?(?:value|code|number)|"
    r"num[eé]ro de (?:contr[oô]le|s[eé]curit[eé]) au (?:dos|verso)|"
    r"(?:3|trois|4|quatre|three|four) (?:derniers? |last )?(?:chiffres|digits) (?:au (?:dos|verso)|on the back))"
    rf"(?: de la carte| of the card)?{_UP_TO_CODE}",
    re.IGNORECASE,
)
_MAYBE_CODE = re.compile(
    r"(?<![a-z0-9])(?:cvc|cid|cryptogramme|code de (?:s[eé]curit[eé]|v[eé]rification)|security code|verification code|"
    rf"(?:3|trois|4|quatre|three|four) (?:derniers? |last )?(?:chiffres|digits)){_UP_TO_CODE}",
    re.IGNORECASE,
)

_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:20[2-4][0-9]|[2-4][0-9])"
_MONTH_YEAR = rf"(?<![0-9/.\-]){_MONTH}\s?[/.\- ]\s?{_YEAR}(?![0-9/\-]|[.,][0-9])"
_MONTH_NAME = (
    r"(?:janvier|f[eé]vrier|mars|avril|mai|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[eé]cembre|january|"
    r"february|march|april|may|june|july|august|september|october|november|december) 20[2-4][0-9]"
)
_EXPIRES = r"(?:exp(?:ir[a-zé]*)?\.?(?![a-z])|valable|valid(?:e|it[eé])?(?![a-z])|good thru)"
_DATED = re.compile(
    rf"{_EXPIRES}[^0-9\n]{{0,30}}(?:{_MONTH_YEAR}|(?<![0-9])(?:0[1-9]|1[0-2])[2-4][0-9](?![0-9])|{_MONTH_NAME})",
    re.IGNORECASE,
)
_FIELD = re.compile(
    rf"exp(?:iry|iration)?_?(?:month|mois|date|m|y|year)?[\"']\s?[:=]\s?[\"']?(?:{_MONTH}(?![0-9])|(?:0[1-9]|1[0-2])/?{_YEAR})",
    re.IGNORECASE,
)
_AFTER_PAYMENT = re.compile(rf"[\s:,;(\-]{{0,4}}{_MONTH_YEAR}")
_AFTER_NUMBER = re.compile(
    rf"{CARD}(?:[^0-9\n{CARD}]{{0,25}}{_MONTH_YEAR}|[\s|;,/\-]{{1,3}}{_MONTH}[|;,/\- ]{_YEAR}(?![0-9/]))",
    re.IGNORECASE,
)
_CODE_LAST = re.compile(rf"(?:{_AFTER_NUMBER.pattern})[\s|;,/\-]{{1,3}}{_CODE}", re.IGNORECASE)

# Spares most texts the patterns below: none of them is found without one of these.
_CODE_HINTS = ("cvv", "cvc", "cav", "cid", "cryptogramme", "rif", "contr", "curit", "chiffre", "digit")
_PAYMENT_HINTS = ("cart", "card", "visa", "amex", "american", "maestro", "master", "union", "cb")


def _holds(text: str, hints: tuple[str, ...]) -> bool:
    if CARD in text:
        return True
    lower = text.lower()
    return any(hint in lower for hint in hints)


def has_code(text: str) -> bool:
    """Whether a text that was read holds a security code (CVV, CVC, CID, cryptogramme)."""
    return _holds(text, _CODE_HINTS) and bool(
        _SURE_CODE.search(text)
        or _CODE_LAST.search(text)
        or any(_about_payment(text, *found.span()) for found in _MAYBE_CODE.finditer(text))
    )


def has_expiry(text: str) -> bool:
    """Whether a text that was read holds a payment card's expiry date."""
    return _holds(text, _PAYMENT_HINTS) and bool(
        _AFTER_NUMBER.search(text)
        or any(_about_payment(text, *found.span()) for found in _DATED.finditer(text))
        or any(_about_payment(text, *found.span()) or _card_field(text, found) for found in _FIELD.finditer(text))
        or any(_AFTER_PAYMENT.match(text, found.end()) for found in PAYMENT.finditer(text))
    )


def _card_field(text: str, found: re.Match[str]) -> bool:
    return text[max(0, found.start() - 5) : found.start()].lower().endswith(("card_", "card", "cc_"))


def _about_payment(text: str, start: int, end: int) -> bool:
    return bool(PAYMENT.search(text, max(0, start - 80), min(len(text), end + 80)))
