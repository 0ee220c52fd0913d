"""Which values may hold card data at all, so that only those are read.

Twelve digits in any grouping would let through every row with a phone number and a price; a number
that is grouped oddly is only ever a card's beside a word, and so is a date or a code.
"""

from __future__ import annotations

from typing import Final

from genuka_pipelines.quality.detectors.digits import BETWEEN, RARE_DIGIT, digits_anywhere, run_of
from genuka_pipelines.quality.detectors.gate import gate

_APART = f"{BETWEEN}{{1,8}}"
_WORD = (
    "carte|card|(?:^|[^a-z])(?:cb|cc|pan|mc|mir|elo|troy|mada)(?:[^a-z]|$)|visa|master ?card|amex|american express|"
    "maestro|verve|diners|jcb|union ?pay|rupay|dankort|hipercard|discover|cv[vc]|بطاقة"
)
_NUMBERS: Final = (
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
_CARD = "carte|card|visa|amex|american express|maestro|union ?pay|cb"
_MONTH_YEAR = (
    "[0-9][^0-9A-Za-z]{1,4}(?:20)?[2-4][0-9]|(?:^|[^0-9])(?:0[1-9]|1[0-2])[2-4][0-9](?:[^0-9]|$)|"
    "(?:jan|f~v|feb|mar|a[pv]r|mai|may|jui|jun|jul|ao|aug|sep|oct|nov|d~c|dec)[^0-9]{1,12}20[2-4][0-9]|"
    "exp[a-z_]{0,14}[^0-9A-Za-z]{1,6}[0-9]"
)

_TWELVE_DIGITS = digits_anywhere(12)
_CODE_HINT = "cvv|cvc|cav2|cid|cryptogramme|rification|curit|contr|chiffres|digits"

NUMBER: Final = gate(*_NUMBERS, coarse=_TWELVE_DIGITS)
SECURITY_CODE: Final = gate(*_NUMBERS, _CODE, coarse=f"{_TWELVE_DIGITS}|{_CODE_HINT}")
EXPIRY: Final = gate(*_NUMBERS, (_CARD, _MONTH_YEAR), coarse=f"{_TWELVE_DIGITS}|{_CARD}")
TRACK: Final = gate(r"[0-9]{12}[0-9]{0,7}(?:[=^]|\\+u00)", coarse="[0-9]{12}")
