"""Phone numbers and e-mail addresses in a column of names: they tell where identity hides.

For information: nothing is forbidden in it, but an erasure or a pseudonym that trusts the
column's name would leave the person's number behind.
"""

from __future__ import annotations

import re
from typing import Final

from genuka_pipelines.catalog.value import Words
from genuka_pipelines.quality.detectors.detector import TEXTS, Detector
from genuka_pipelines.quality.detectors.digits import ascii_digits, digits_anywhere, run_of
from genuka_pipelines.quality.detectors.gate import gate
from genuka_pipelines.quality.detectors.text import plain

# Dates, card numbers, amounts, IBANs, ULIDs and UUIDs, coordinates: long numbers that nobody answers.
_OTHER = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}|[0-9]{4}(?:[ -][0-9]{4}){3}|"
    r"(?<![0-9])[0-9](?:[ .,]?[0-9]){1,14} ?(?:f?cfa|xaf|eur|€|f)\b|[a-z]{2}[0-9]{2}[0-9a-z]{11,30}|"
    r"\b(?=[0-9]{0,25}[a-z])[0-9a-z]{20,40}\b|[0-9a-f]{8}-[0-9a-f-]{27}|"
    r"(?<![0-9])[0-9]{1,3}[.,][0-9]{3,18}, ?-?[0-9]{1,3}[.,][0-9]{3,18}",
    re.IGNORECASE,
)
_RUN = re.compile(r"(?<![0-9A-Za-z+])(\+|00)?\(?([0-9](?:[ .\-()]{0,2}[0-9]){7,14})(?![0-9A-Za-z])")
_PAIRS = re.compile(r"[0-9]{2}(?:[ .\-][0-9]{2}){3}")
_EMAIL = re.compile(r"[^\s@<>\"',;:()]{1,64}@[^\s@<>\"',;:()]{1,200}\.[^\W\d_]{2,}")


def _read(raw: str) -> str:
    return ascii_digits(plain(raw))


def _has_phone(text: str) -> bool:
    return any(_is_phone(found[1], found[2]) for found in _RUN.finditer(_OTHER.sub(" ", text)))


def _is_phone(prefix: str | None, number: str) -> bool:
    digits = re.sub("[^0-9]", "", number)
    if len(set(digits)) == 1:
        return False
    return prefix is not None or 9 <= len(digits) <= 12 or bool(_PAIRS.fullmatch(number))


CONTACTS: Final = (
    Detector(
        id="contacts.phone_number",
        kind="phone_number",
        title=Words(fr="Numéro de téléphone dans un nom", en="Phone number in a name"),
        applies_to=TEXTS,
        gate=gate(run_of(8, apart=4), coarse=digits_anywhere(8)),
        reads=_read,
        flags=_has_phone,
    ),
    Detector(
        id="contacts.email_address",
        kind="email_address",
        title=Words(fr="Adresse e-mail dans un nom", en="E-mail address in a name"),
        applies_to=TEXTS,
        gate=gate("@|\uff20|&#", coarse="@|\uff20|&#"),
        reads=_read,
        flags=lambda text: bool(_EMAIL.search(text)),
    ),
)
