"""Says a moment as a person would, in UTC: the day, and the time where it is not midnight.

A day alone would be wrong by up to a day for whoever reads it in another zone than ours.
"""

from __future__ import annotations

from datetime import UTC, datetime

from genuka_pipelines.catalog.value import Language

_MONTHS: dict[Language, tuple[str, ...]] = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_AT: dict[Language, str] = {"fr": "{day} à {time} UTC", "en": "{day} at {time} UTC"}


def say_moment(moment: datetime, language: Language) -> str:
    """ "4 March 2027", "4 March 2027 at 10:12 UTC" / "1er mars 2027 à 10:12:30 UTC", for an aware moment."""
    moment = moment.astimezone(UTC)
    number = "1er" if language == "fr" and moment.day == 1 else str(moment.day)
    day = f"{number} {_MONTHS[language][moment.month - 1]} {moment.year}"
    time = moment.time()
    if not any((time.hour, time.minute, time.second, time.microsecond)):
        return day
    precise = "seconds" if time.second or time.microsecond else "minutes"
    return _AT[language].format(day=day, time=time.isoformat(precise))
