"""Which values may hold card data at all: written for a database server as much as for this process.

Twelve digits in any grouping would let through every row with a phone number and a price, and the
server would ship the table; a number that is grouped oddly is only ever a card's beside a word.
"""

from __future__ import annotations

from typing import Final

from genuka_pipelines.quality.detectors.digits import BETWEEN, RARE_DIGIT, run_of
from genuka_pipelines.quality.detectors.gate import gate

_APART = f"{BETWEEN}{{1,8}}"
_WORD = (
    "carte|card|(?:^|[^a-z])(?:cb|cc|pan|mc|mir|elo|troy|mada)(?:[^a-z]|$)|visa|master ?card|amex|american express|"
    "maestro|verve|diners|jcb|union ?pay|rupay|dankort|hipercard|discover|cv[vc]|بطاقة"
)
_NUMBER: Final = (
    # In one run, or in groups as cards are printed
    "[2-689][0-9]{12}",
    "(?:5018|5020|5038|5612|5893|6304|6390|6759|676[1-37])[0-9]{8}",
    f"[2-689][0-9]{{3}}(?:{_APART}[0-9]{{4}}){{2}}{_APART}[0-9]{{2}}",
    f"3[0-9]{{3}}{_APART}[0-9]{{6}}{_APART}[0-9]{{4}}",
    f"[2-689][0-9]{{3}}{_APART}[0-9]{{4}}{_APART}[0-9]{{5}}",
    # In digits that few texts use
    f"{RARE_DIGIT}{BETWEEN}{{0,6}}{run_of(4, apart=6)}",
    # In any groups, beside a word
    (_WORD, run_of(12, apart=3)),
)
_CODE = (
    "(?:cvv|cvc|cav2|(?:^|[^a-z])cid[^a-z]|cryptogramme|verification|v~rification|s~curit~|security|contr~le|chiffres|"
    "digits).{0,90}[0-9]{3}"
)
_CARD = (
    "cartes? |card|visa|master ?card|amex|american express|maestro|union ?pay|num~ros? de |(?:^|[^a-z])cb(?:[^a-z]|$)"
)
_EXPIRES = "(?:exp|valable|valid|good thru).{0,60}[0-9]"

NUMBER: Final = gate(*_NUMBER)
SECURITY_CODE: Final = gate(*_NUMBER, _CODE)
EXPIRY: Final = gate(*_NUMBER, f"(?:{_CARD}).{{0,120}}[0-9]{{2}}", (_EXPIRES, _CARD))
TRACK: Final = gate(r"[0-9]{12}[0-9]{0,7}(?:[=^]|\\+u00)")
