"""The texts that the detectors are measured on: labelled ones, and any number of ordinary ones.

`*_held_out*.txt` were never looked at while a rule was written; a rule tuned on them would make
the only honest figures worthless.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from genuka_pipelines.quality.detectors import Detector, find

_HERE = Path(__file__).parent
_ESCAPE = re.compile(r"\\(\\|n|t|u[0-9a-f]{4})")
_NAMES = ["Awa Mballa", "Jean Ngono", "Fatou Diallo", "Paul Essomba", "Chloé Martin", "Idriss Njoya", "Zoë O'Neil"]
_CITIES = ["Douala", "Yaoundé", "Bafoussam", "Saint-Denis", "Garoua", "Lyon", "Limbe", "Kribi", "Notre-Dame"]
_PRODUCTS = ["sac à main", "parfum", "robe", "smartphone", "rice cooker", "sneakers", "savon noir", "tapis de prière"]
_COLOURS = ["noir", "blanc", "rouge", "black", "white", "bleu", "vert", "brown"]


@dataclass(frozen=True)
class Case:
    """A text and the kinds that a careful reader finds in it."""

    kinds: frozenset[str]
    text: str


@dataclass(frozen=True)
class Score:
    """What the detectors made of a corpus, by kind: [found, wrongly found, missed]."""

    by_kind: dict[str, tuple[int, int, int]]
    misjudged: tuple[Case, ...]

    @property
    def precision(self) -> float:
        """The share of what was found that was there."""
        found, wrong = (sum(counts[place] for counts in self.by_kind.values()) for place in (0, 1))
        return found / (found + wrong)

    @property
    def recall(self) -> float:
        """The share of what was there that was found."""
        found, missed = (sum(counts[place] for counts in self.by_kind.values()) for place in (0, 2))
        return found / (found + missed)


def corpus(name: str) -> list[Case]:
    """The labelled cases of `name`.txt."""
    lines = (_HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    cut = [line.partition(" |") for line in lines if line and not line.startswith("#")]
    return [Case(frozenset(kinds.split(",")) - {"none"}, _unescaped(text.removeprefix(" "))) for kinds, _, text in cut]


def score(cases: list[Case], wanted: Iterable[Detector]) -> Score:
    """How the detectors `wanted` judge `cases`, on the kinds that they look for."""
    wanted = list(wanted)
    kinds = {detector.kind for detector in wanted}
    told: list[set[str]] = [set() for _ in cases]
    for finding in find([case.text for case in cases], wanted):
        told[finding.row].add(finding.kind)
    counts = {kind: [0, 0, 0] for kind in sorted(kinds)}
    misjudged = []
    for case, found in zip(cases, told, strict=True):
        there = case.kinds & kinds
        for kind in there | found:
            counts[kind][0 if kind in there & found else 1 if kind in found else 2] += 1
        if there != found:
            misjudged.append(case)
    return Score({kind: (a, b, c) for kind, (a, b, c) in counts.items()}, tuple(misjudged))


def business_texts(count: int, seed: int) -> list[str]:
    """Ordinary texts of a commerce platform, in which there is nothing to find."""
    templates = [
        line for line in (_HERE / "business.txt").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    chance = random.Random(seed)
    return [
        re.sub(r"\{([a-z]+)\}", lambda slot: _slot(slot[1], chance), chance.choice(templates)) for _ in range(count)
    ]


def _slot(name: str, chance: random.Random) -> str:
    def digits(count: int) -> str:
        return "".join(chance.choice("0123456789") for _ in range(count))

    made = {
        "name": lambda: chance.choice(_NAMES),
        "city": lambda: chance.choice(_CITIES),
        "product": lambda: chance.choice(_PRODUCTS),
        "colour": lambda: chance.choice(_COLOURS),
        "size": lambda: chance.choice(["S", "M", "L", "XL", "38", "42"]),
        "qty": lambda: str(chance.randrange(1, 5000)),
        "amount": lambda: f"{chance.randrange(1, 900)} {digits(3)} FCFA",
        "date": lambda: f"{chance.randrange(1, 29):02}/{chance.randrange(1, 13):02}/20{chance.randrange(19, 29)}",
        "month": lambda: f"{chance.randrange(1, 13):02}/20{chance.randrange(24, 32)}",
        "time": lambda: f"{chance.randrange(7, 20)}:{chance.choice(['00', '15', '30'])}",
        "phone": lambda: chance.choice(["+237 6{} {} {} {}", "6{}{}{}{}", "6 {} {} {} {}"]).format(*_pairs(chance)),
        "ref": lambda: chance.choice(["#ORDER_", "#INV_", "CMD-", "FA2025-"]) + digits(chance.randrange(3, 8)),
        "email": lambda: f"contact{digits(2)}@exemple.test",
        "txn": lambda: digits(chance.choice([9, 10, 12])),
        "tracking": lambda: chance.choice(["1Z", "LX", ""]) + digits(chance.randrange(9, 19)),
        "iban": lambda: "CM21 " + " ".join(digits(4) for _ in range(5)) + " " + digits(3),
        "ean": lambda: digits(13),
        "niu": lambda: f"M{digits(12)}A",
        "siret": lambda: digits(14),
        "imei": lambda: "35" + digits(13),
        "meta": lambda: str(chance.randrange(1, 10)) + digits(chance.choice([12, 13, 14, 15, 16])),
        "ulid": lambda: "01" + "".join(chance.choice("0123456789abcdefghjkmnpqrstvwxyz") for _ in range(24)),
        "stamp": lambda: f"2025{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}_{digits(6)}",
    }
    return made[name]()


def _pairs(chance: random.Random) -> list[str]:
    return [f"{chance.randrange(100):02}" for _ in range(4)]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(
        lambda found: {"n": "\n", "t": "\t", "\\": "\\"}.get(found[1]) or chr(int(found[1][1:], 16)), text
    )
