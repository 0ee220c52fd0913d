"""Periods of releases: UTC days, ISO weeks, months and quarters, each with one name.

Two names for one period would be two releases of it, and two draws of noise can be averaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from genuka_pipelines.analytics.errors import NoSuchPeriod
from genuka_pipelines.catalog.published import Every

_DAY = timedelta(days=1)
_NAMES: dict[Every, str] = {
    "day": r"(\d{4})-(\d\d)-(\d\d)",
    "week": r"(\d{4})-W(\d\d)",
    "month": r"(\d{4})-(\d\d)",
    "quarter": r"(\d{4})-Q([1-4])",
}
PER_YEAR: dict[Every, int] = {"day": 366, "week": 53, "month": 12, "quarter": 4}
"""The most periods of a kind that bear one year's name."""


def period_of(every: Every, day: date) -> str:
    """The name of the period a day lies in: `2026-10-31`, `2026-W44`, `2026-10` or `2026-Q4`."""
    if every == "day":
        return f"{day:%Y-%m-%d}"
    if every == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if every == "month":
        return f"{day:%Y-%m}"
    return f"{day:%Y}-Q{(day.month + 2) // 3}"


def every_of(period: str) -> Every:
    """Which kind of period a name is of. Raises NoSuchPeriod."""
    for every, name in _NAMES.items():
        if re.fullmatch(name, period, re.ASCII):
            span(period)
            return every
    raise NoSuchPeriod.named(period)


def span(period: str) -> tuple[date, date]:
    """The first day of a period, and the first day after it (both UTC). Raises NoSuchPeriod."""
    try:
        for every, name in _NAMES.items():
            if found := re.fullmatch(name, period, re.ASCII):
                return _span(every, [int(part) for part in found.groups()])
    except (ValueError, OverflowError):
        pass
    raise NoSuchPeriod.named(period)


def year_of(period: str) -> int:
    """The year whose budget pays for a period: the one its name bears, for a week too."""
    every_of(period)
    return int(period[:4])


def following(period: str) -> str:
    """The period after this one."""
    return period_of(every_of(period), span(period)[1])


def periods(every: Every, first: date, last: date) -> Iterator[str]:
    """The periods from the one of day `first` to the one of day `last`, both included."""
    period, end = period_of(every, first), period_of(every, last)
    while span(period) <= span(end):
        yield period
        period = following(period)


def settled_at(period: str, settles: int) -> datetime:
    """The moment (UTC) from which a period is complete: `settles` days after its end."""
    return datetime.combine(span(period)[1] + settles * _DAY, time(), UTC)


def last_complete(every: Every, settles: int, now: datetime) -> str:
    """The newest period that is complete at `now` (aware)."""
    ended = now.astimezone(UTC).date() - settles * _DAY
    return period_of(every, span(period_of(every, ended))[0] - _DAY)


def _span(every: Every, parts: list[int]) -> tuple[date, date]:
    if every == "day":
        begins = date(parts[0], parts[1], parts[2])
        return begins, begins + _DAY
    if every == "week":
        begins = date.fromisocalendar(parts[0], parts[1], 1)
        return begins, begins + 7 * _DAY
    months = 1 if every == "month" else 3
    begins = date(parts[0], (parts[1] - 1) * months + 1, 1)
    beyond = begins.month + months
    return begins, date(begins.year + (beyond > 12), (beyond - 1) % 12 + 1, 1)
