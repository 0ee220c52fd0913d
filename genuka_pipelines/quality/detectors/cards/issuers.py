"""Who issues which card numbers: prefixes and lengths, as data.

Luhn alone accepts one number in ten, every SIRET and every IMEI among them; the ranges leave
about one random number in two hundred, and the lengths say how much else must speak for it.

Sources: ISO/IEC 7812-1 (structure, Luhn); the networks' published identification number ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Issuer:
    """One network: its prefixes (inclusive, of equal length within a pair) and its lengths in digits.

    A number of a length in `alone` is a card number by itself; one of a length in `beside` only
    when it is grouped as cards are, or stands beside a word that speaks of cards.
    """

    name: str
    prefixes: tuple[tuple[str, str], ...]
    alone: frozenset[int] = frozenset()
    beside: frozenset[int] = frozenset()

    def issues(self, digits: str) -> bool:
        """Whether `digits` fall in one of the prefixes, whatever their length."""
        return any(low <= digits[: len(low)] <= high for low, high in self.prefixes)


def _issuer(name: str, prefixes: str, alone: tuple[int, ...] = (), beside: tuple[int, ...] = ()) -> Issuer:
    ranges = (part.partition("-") for part in prefixes.split())
    return Issuer(name, tuple((low, high or low) for low, _, high in ranges), frozenset(alone), frozenset(beside))


ISSUERS: Final = (
    _issuer("Visa", "4", (16,), (13, 18, 19)),
    _issuer("Mastercard", "51-55 2221-2720", (16,)),
    _issuer("American Express", "34 37", (15,)),
    _issuer("Discover", "6011 644-649 65", (16,), (17, 18, 19)),
    # A French SIRET has 14 digits and passes Luhn: by itself such a number says nothing.
    _issuer("Diners Club", "300-305 3095 36 38-39", (), (14, 15, 16, 17, 18, 19)),
    _issuer("JCB", "3528-3589", (16,), (17, 18, 19)),
    _issuer("UnionPay", "62", (16, 17, 18, 19)),
    _issuer("RuPay", "508 353 356", (16,)),
    _issuer("RuPay and UnionPay, wider", "60 81-82", (), (16, 17, 18, 19)),
    _issuer("Verve", "506099-506198 507865-507964 650002-650027", (16, 18, 19)),
    _issuer("Mada", "585265 588845-588851 588982 589005 589206 604906 605141 636120 968201-968211", (16,)),
    _issuer("Mir", "2200-2204", (16,), (17, 18, 19)),
    _issuer("Elo", "506699-506778 509000-509999 627780 636297 636368", (16,)),
    _issuer("Hipercard", "606282 637095", (16,)),
    _issuer("Troy", "9792", (16,)),
    _issuer("Dankort", "5019", (16,)),
    _issuer(
        "Maestro",
        "5018 5020 5038 5612 5893 6304 6390 6759 6761-6763 6767",
        (16,),
        (12, 13, 14, 15, 17, 18, 19),
    ),
    _issuer("InterPayment and InstaPayment", "636-639", (), (16, 17, 18, 19)),
)

SHORTEST: Final = 12
LONGEST: Final = 19


def luhn(digits: str) -> bool:
    """Whether ASCII `digits` end in their check digit (ISO/IEC 7812-1, annex B)."""
    odd = sum(int(d) for d in digits[-1::-2])
    even = sum(_DOUBLED[int(d)] for d in digits[-2::-2])
    return (odd + even) % 10 == 0


_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def speaks(digits: str) -> bool | None:
    """True: a card number by itself; False: one if something beside it says so; None: not one."""
    if not SHORTEST <= len(digits) <= LONGEST or not luhn(digits) or len(set(digits)) == 1:
        return None
    issuers = [issuer for issuer in ISSUERS if issuer.issues(digits)]
    if any(len(digits) in issuer.alone for issuer in issuers):
        return True
    return False if any(len(digits) in issuer.beside for issuer in issuers) else None
