"""Says a calendar period and a list as a person would."""

from __future__ import annotations

from collections.abc import Sequence

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.value import Language

_UNITS: dict[Language, tuple[tuple[str, str], ...]] = {
    "fr": (("an", "ans"), ("mois", "mois"), ("jour", "jours")),
    "en": (("year", "years"), ("month", "months"), ("day", "days")),
}
_ONE: dict[Language, str] = {"fr": "un", "en": "one"}
_AND: dict[Language, str] = {"fr": " et ", "en": " and "}
_OR: dict[Language, str] = {"fr": " ou ", "en": " or "}


def say_period(period: Period, language: Language) -> str:
    """`P1M` is "one month" / "un mois"; twelve months stay "12 months"; nothing is ""."""
    if period == "P12M":
        return "12 mois" if language == "fr" else "12 months"
    said = []
    for number, (one, many) in zip(period.parts, _UNITS[language], strict=True):
        if number == 1:
            said.append(f"{_ONE[language]} {one}")
        elif number:
            said.append(f"{number} {many}")
    return _joined(said, _AND[language])


def say_and(parts: Sequence[str], language: Language) -> str:
    """ "a, b and c" / "a, b et c"."""
    return _joined(list(parts), _AND[language])


def say_or(parts: Sequence[str], language: Language) -> str:
    """ "a, b or c" / "a, b ou c"."""
    return _joined(list(parts), _OR[language])


def _joined(parts: list[str], last: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + last + parts[-1]
