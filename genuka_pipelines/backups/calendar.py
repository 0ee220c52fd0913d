"""When a backup begins, how long it is locked, and when it must be gone.

One date for everything an epoch holds: so no lock is ever lengthened, nothing is counted by who still
needs it, and to destroy is to empty a prefix. Some providers let no lock be changed at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Self

from genuka_pipelines.backups.errors import BadBackupName

FIRST_DAY = date(2024, 1, 1)
EPOCH = timedelta(days=28)
LOCKED = timedelta(days=358)
LONGEST = timedelta(days=365)
"""From its capture on, what a backup may live at most (GK-24: twelve months, in days so that no leap year adds one)."""
_BACKUP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, order=True)
class Epoch:
    """28 days of a fixed grid, in UTC, named by the first."""

    first: date

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """The epoch of an aware moment."""
        days = (moment.astimezone(UTC).date() - FIRST_DAY).days
        return cls(FIRST_DAY + EPOCH * (days // EPOCH.days))

    @classmethod
    def named(cls, name: str) -> Self:
        """The epoch of a name; BadBackupName for one that is none."""
        try:
            first = date.fromisoformat(name)
        except ValueError:
            first = None
        if first is None or first.isoformat() != name or (first - FIRST_DAY).days % EPOCH.days:
            raise BadBackupName(
                f"'{name}' is no epoch of backups: epochs begin every {EPOCH.days} days from {FIRST_DAY}"
            )
        return cls(first)

    @property
    def name(self) -> str:
        """`2026-11-02`."""
        return self.first.isoformat()

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return self.begins + EPOCH

    @property
    def locked_until(self) -> datetime:
        """Until when nothing of it can be altered; from then on it is destroyed."""
        return self.begins + LOCKED

    @property
    def deadline(self) -> datetime:
        """When the oldest backup that it can hold is as old as any may become."""
        return self.begins + LONGEST


def backup_id(moment: datetime) -> str:
    """The name of a backup begun at a moment, in UTC to the second: `20261122T004500Z`."""
    return moment.astimezone(UTC).strftime(_FORMAT)


@lru_cache(maxsize=1024)
def begun(backup: str) -> datetime:
    """The moment that a backup's name tells; BadBackupName for what is no such name."""
    try:
        if _BACKUP.fullmatch(backup):
            return datetime.strptime(backup, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise BadBackupName(f"'{backup}' is no backup: they are named by their beginning, such as 20261122T004500Z")


@lru_cache(maxsize=1024)
def epoch_of(backup: str) -> Epoch:
    """The epoch that a backup belongs to."""
    return Epoch.at(begun(backup))
