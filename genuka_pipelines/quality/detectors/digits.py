"""How a run of digits is spelled in raw text, and what each digit is worth.

A card number or a phone number comes in Arabic-Indic or full-width digits, spelled by entities,
with a no-break space escaped between; a pattern for ASCII digits alone would not see it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Arabic-Indic and its extended form, N'Ko, Devanagari, full width; and the escapes that spell one, or an ASCII one.
RARE_DIGIT: Final = (
    "(?:[\u0660-\u0669\u06f0-\u06f9\u07c0-\u07c9\u0966-\u096f\uff10-\uff19]"
    r"|\\+u(?:003[0-9]|066[0-9]|06f[0-9]|07c[0-9]|096[6-9a-f]|ff1[0-9])"
    "|&#x(?:3[0-9]|66[0-9]|6f[0-9]|7c[0-9]|96[6-9a-f]|ff1[0-9]);"
    "|&#(?:4[89]|5[0-7]|16[34][0-9]|17[78][0-9]|19[89][0-9]|240[6-9]|241[0-5]|6529[6-9]|6530[0-5]);)"
)
DIGIT: Final = f"(?:[0-9]|{RARE_DIGIT})"
BETWEEN: Final = (
    r"(?:[^0-9A-Za-z]|&[A-Za-z]{2,7};|&#[xX]?[0-9A-Fa-f]{1,5};|\\+u[0-9A-Fa-f]{4}|\\+[nrt]|%[0-9A-Fa-f]{2}|<br ?/?>)"
)
"""What may stand between two digits of one number, in a gate: one sign, or one escape that spells a sign."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def run_of(digits: int, apart: int) -> str:
    """A gate's pattern for at least `digits` digits with at most `apart` other signs between two."""
    return f"(?:{DIGIT}{BETWEEN}{{0,{apart}}}){{{digits - 1}}}{DIGIT}"


def digits_anywhere(digits: int) -> str:
    """A coarser pattern, quick on a server: at least `digits` digits, whatever stands between them."""
    return f"[0-9](?:[^0-9]*[0-9]){{{digits - 1}}}|{RARE_DIGIT}"


def ascii_digits(text: str) -> str:
    """`text` with every decimal digit of any script written in ASCII."""
    if text.isascii():
        return text
    return _NOT_ASCII.sub(_ascii, text)


def _ascii(found: re.Match[str]) -> str:
    digit = unicodedata.decimal(found[0], None)
    return found[0] if digit is None else str(digit)
