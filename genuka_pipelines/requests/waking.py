"""What a sensor's tick does: take in what support tools wrote, and name the requests that can go on now.

It asks two indexes and finds nobody: ten thousand open requests cost it no more than ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

from genuka_pipelines.catalog.request import RequestKind
from genuka_pipelines.requests.registering import take_in

if TYPE_CHECKING:
    from genuka_pipelines.exports.house import Exporting
    from genuka_pipelines.rows.house import House

EXPORT: RequestKind = "tenant_export"
RETRY = timedelta(hours=6)
"""After a try that failed or could not end, when the sensor tries again."""
MOST = 10
"""Runs a tick may ask for, so that a flood of requests cannot hold up the night."""


@dataclass(frozen=True)
class Seen:
    """Requests that can run, with how often each was tried; and what the intake gave."""

    waiting: tuple[tuple[str, int], ...]
    taken: int
    wrong: int


def look(house: House, *, now: datetime, most: int = MOST) -> Seen:
    """One tick."""
    taken = wrong = 0
    for plan in house.catalog.requests.values():
        taken, wrong = take_in(house, plan, now=now)
    kinds = frozenset(get_args(RequestKind)) - {EXPORT}
    return Seen(house.control.requests.waiting(kinds, most=most, before=now - RETRY), taken, wrong)


def exports_waiting(house: Exporting, *, now: datetime) -> tuple[tuple[str, int], ...]:
    """End deliveries whose time is over; then the archives that can be made now, each with how often it was tried.

    No more than the plan begins at once.
    """
    from genuka_pipelines.exports import expire

    expire(house, now=now)
    most = sum(plan.at_once for plan in house.catalog.exports.values())
    return house.control.requests.waiting({EXPORT}, most=most, before=now - RETRY)
