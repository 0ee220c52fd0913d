"""What a sensor's tick does: take in what support tools wrote, and name the requests that can go on now.

It asks two indexes and finds nobody: ten thousand open requests cost it no more than ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.requests.answering import RETRY
from genuka_pipelines.requests.registering import take_in

if TYPE_CHECKING:
    from genuka_pipelines.rows.house import House

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
    return Seen(house.control.requests.waiting(most=most, before=now - RETRY), taken, wrong)
