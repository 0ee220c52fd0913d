"""Reads a value as the card detectors need it: plain digits, and a mark for each card number.

Marks let every other rule say "beside a card number" without looking for one again, and keep
long numbers that are nobody's card (IBAN, UUID) from being cut into ones that look like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from genuka_pipelines.quality.detectors.cards.context import CARD
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

# ISO 13616 registry, and the national schemes of Africa that follow its form: length by country.
_IBAN_LENGTHS: Final = {
    part[:2]: int(part[2:])
    for part in (
        "AD24 AE23 AL28 AO25 AT20 AZ28 BA20 BE16 BF28 BG22 BH22 BI27 BJ28 BR29 BY28 CF27 CG27 CH21 CI28 CM27 CR22 "
        "CV25 CY28 CZ24 DE22 DJ27 DK18 DO28 DZ26 EE20 EG29 ES24 FI18 FO18 FR27 GA27 GB22 GE22 GI23 GL18 GQ27 GR27 "
        "GT28 GW25 HN28 HR21 HU28 IE22 IL23 IQ23 IR26 IS26 IT27 JO30 KM27 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 "
        "LY25 MA28 MC27 MD24 ME22 MG27 MK19 ML28 MR27 MT31 MU30 MZ25 NE28 NI32 NL18 NO15 PK24 PL28 PS29 PT25 QA29 "
        "RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 SN28 ST25 SV28 TD27 TG28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
    ).split()
}
_IBAN = re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join(_IBAN_LENGTHS)})[0-9]{{2}}(?:[ -]?[0-9A-Z]){{11,30}}(?![0-9A-Za-z])")


def read(raw: str) -> str:
    """`raw` as plain text in which `CARD` stands for each card number and `TRACK` for stripe data."""
    text = ascii_digits(_OWN_MARKS.sub(" ", plain(raw)))
    if "%" in text:
        text = _PERCENT.sub(lambda found: " " if found[1] else "-", text)
    text = _UUID.sub(" uuid ", text)
    text = _IBAN.sub(_without_iban, text)
    text = _STRIPE.sub(lambda found: found[0] if speaks(found[1] or found[2]) is None else TRACK, text)
    text = _marked(text, card_numbers(text))
    return _marked(text, cards_apart(text))


def _marked(text: str, spans: Iterable[Span]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], CARD]
        at = end
    return "".join([*parts, text[at:]])


def _without_iban(found: re.Match[str]) -> str:
    """Drop as many signs as the country's IBANs have, and keep what the pattern took beyond them."""
    left = _IBAN_LENGTHS[found[0][:2]]
    for at, sign in enumerate(found[0]):
        left -= sign.isalnum()
        if left == 0:
            rest = found[0][at + 1 :]
            return f" iban {rest}" if not rest[:1].isalnum() else found[0]
    return " iban "
