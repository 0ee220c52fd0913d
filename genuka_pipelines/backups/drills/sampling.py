"""Which backups are restored tonight, so that everyone's comes back within the promised days.

Chosen by chance, one tenant would be tried every week and another never; so whoever waits longest is next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from genuka_pipelines.control import Restored as Receipt

if TYPE_CHECKING:
    from genuka_pipelines.backups.restoring import Reach
    from genuka_pipelines.control import Ledger

SPARE = timedelta(days=2)
"""Nights that may fail before an owner's drill is late."""


@dataclass(frozen=True, slots=True)
class Drillable:
    """An owner, by its id: its rows, and when and from which region it was last restored, if ever."""

    owner: str
    rows: int = 0
    last: datetime | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose newest backup is drilled, and from which region alone."""

    owner: str
    region: str


def sample(
    owners: Iterable[Drillable], *, now: datetime, within: timedelta, regions: Sequence[str], least: int = 1
) -> tuple[Chosen, ...]:
    """Tonight's drills: so many that everyone is drilled within the period though two nights fail.

    Who was never drilled comes first, the largest before the others; then whoever waits longest. Each time
    another region is read.
    """
    known = sorted(owners, key=lambda one: (one.last is not None, one.last or now, -one.rows, one.owner))
    nights = max(1, (within - SPARE).days)
    due = sum(1 for one in known if one.last is not None and one.last + within - SPARE <= now)
    count = min(len(known), max(least, due, math.ceil(len(known) / nights)))
    return tuple(Chosen(one.owner, _region(one, place, regions)) for place, one in enumerate(known[:count]))


def overdue(owners: Iterable[Drillable], *, now: datetime, within: timedelta) -> tuple[str, ...]:
    """The owners that were not restored within the period; those never restored too."""
    return tuple(one.owner for one in owners if one.last is None or one.last + within < now)


def drillable(reach: Reach, ledger: Ledger, *, rows: Mapping[str, int] | None = None) -> tuple[Drillable, ...]:
    """Every owner of the newest night, with the last time that the ledger knows it was restored and proved.

    `rows` may say how large owners are that never were.
    """
    past = {entry.body.owner: entry for entry in ledger.latest(Receipt) if entry.body.owner}
    found = []
    for owner, state in reach.night().owners.items():
        if state.backup is not None:
            entry = past.get(owner)
            size = entry.body.rows if entry else (rows or {}).get(owner, 0)
            found.append(Drillable(owner, size, entry.at if entry else None, entry.body.region if entry else None))
    return tuple(found)


def _region(one: Drillable, place: int, regions: Sequence[str]) -> str:
    before = regions.index(one.region) if one.region in regions else place - 1
    return regions[(before + 1) % len(regions)]
