"""Card data: numbers, security codes, expiry dates and magnetic stripe data, in texts and file names.

Card data that nobody looks for is card data that is kept: a shop's order note is enough.
"""

from __future__ import annotations

from typing import Final

from genuka_pipelines.catalog.value import Words
from genuka_pipelines.quality.detectors.cards import gates
from genuka_pipelines.quality.detectors.cards.codes import has_code, has_expiry
from genuka_pipelines.quality.detectors.cards.context import CARD
from genuka_pipelines.quality.detectors.cards.reading import TRACK, read
from genuka_pipelines.quality.detectors.detector import NAMES_TOO, Detector

CARDS: Final = (
    Detector(
        id="cards.number",
        kind="card_number",
        title=Words(fr="Numéro de carte de paiement", en="Payment card number"),
        applies_to=NAMES_TOO,
        gate=gates.NUMBER,
        reads=read,
        flags=lambda text: CARD in text,
    ),
    Detector(
        id="cards.security_code",
        kind="card_security_code",
        title=Words(fr="Code de sécurité d'une carte (CVV, CVC, CID)", en="Card security code (CVV, CVC, CID)"),
        applies_to=NAMES_TOO,
        gate=gates.SECURITY_CODE,
        reads=read,
        flags=has_code,
    ),
    Detector(
        id="cards.expiry",
        kind="card_expiry",
        title=Words(fr="Date d'expiration d'une carte", en="Card expiry date"),
        applies_to=NAMES_TOO,
        gate=gates.EXPIRY,
        reads=read,
        flags=has_expiry,
    ),
    Detector(
        id="cards.track",
        kind="card_track",
        title=Words(fr="Piste magnétique d'une carte", en="Card magnetic stripe data"),
        applies_to=NAMES_TOO,
        gate=gates.TRACK,
        reads=read,
        flags=lambda text: TRACK in text,
    ),
)
