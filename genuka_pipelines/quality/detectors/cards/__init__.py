"""Card data: numbers, security codes, expiry dates and magnetic stripe data, in texts and file names.

Card data that nobody looks for is card data that is kept: a shop's order note is enough.
"""

from __future__ import annotations

from typing import Final

from genuka_pipelines.quality.detectors.cards.codes import has_code, has_expiry
from genuka_pipelines.quality.detectors.cards.context import CARD
from genuka_pipelines.quality.detectors.cards.reading import TRACK, read
from genuka_pipelines.quality.detectors.detector import NAMES_TOO, Detector, Title
from genuka_pipelines.quality.detectors.digits import run_of
from genuka_pipelines.quality.detectors.gate import Gate

_TWELVE_DIGITS = run_of(12, apart=6)
_CODE_WORDS = (
    "(?:cvv|cvc|cav2|[^a-z]cid[^a-z]|cryptogramme|verification|v~rification|s~curit~|security|control|contr~le|"
    "chiffres|digits).{0,90}[0-9]{3}"
)
_EXPIRY_WORDS = "exp|valable|valid|good thru"
_CARD_WORDS = (
    "cartes? |card|visa|master ?card|amex|american express|maestro|union ?pay|[^a-z]cb[^a-z]|^cb[^a-z]"
)

CARDS: Final = (
    Detector(
        id="cards.number",
        kind="card_number",
        title=Title("Numéro de carte de paiement", "Payment card number"),
        applies_to=NAMES_TOO,
        gate=Gate(_TWELVE_DIGITS),
        reads=read,
        flags=lambda text: CARD in text,
    ),
    Detector(
        id="cards.security_code",
        kind="card_security_code",
        title=Title("Code de sécurité d'une carte (CVV, CVC, CID)", "Card security code (CVV, CVC, CID)"),
        applies_to=NAMES_TOO,
        gate=Gate(f"{_TWELVE_DIGITS}|{_CODE_WORDS}"),
        reads=read,
        flags=has_code,
    ),
    Detector(
        id="cards.expiry",
        kind="card_expiry",
        title=Title("Date d'expiration d'une carte", "Card expiry date"),
        applies_to=NAMES_TOO,
        gate=Gate(
            f"{_TWELVE_DIGITS}|(?:{_CARD_WORDS}).{{0,120}}[0-9]{{2}}|(?:{_EXPIRY_WORDS}).{{0,60}}[0-9].{{0,120}}(?:{_CARD_WORDS})"
        ),
        reads=read,
        flags=has_expiry,
    ),
    Detector(
        id="cards.track",
        kind="card_track",
        title=Title("Piste magnétique d'une carte", "Card magnetic stripe data"),
        applies_to=NAMES_TOO,
        gate=Gate(r"[0-9]{12}[0-9]{0,7}(?:[=^]|\\+u00)"),
        reads=read,
        flags=lambda text: TRACK in text,
    ),
)
