"""A key for each UTC day, gone when the day is closed.

Devices may be told apart within one day and never across two; that holds only if yesterday's key can
no longer be had from anyone, so a destroyed day stays destroyed and is never given another key.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from genuka_pipelines.keys.errors import KeyDestroyed, KeyMissing, KeyUnusable
from genuka_pipelines.keys.files import (
    alone,
    destroy,
    new_secret,
    private_folder,
    read_secret,
    read_state,
    write_secret,
    write_state,
)
from genuka_pipelines.keys.mac import HmacKey

NAME = "device_day"


class DeviceDays:
    """The keys of days, one file a day under `folder`, and which days are over for good."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state_file = folder / "state.json"

    def make(self) -> None:
        """Prepares the folder; the caller holds the lock."""
        private_folder(self._folder, create=True)
        write_state(self._state_file, {"destroyed_before": date.min.isoformat(), "made": []})

    def check(self) -> None:
        """Raises unless it is known which days are destroyed."""
        self._state()

    def key(self, day: date) -> HmacKey:
        """The key of a UTC day, made when first asked for. KeyDestroyed when the day is closed."""
        _refuse_moment(day)
        if not self._made(day):
            with alone(self._folder.parent):
                self._finish_destroying()
                if not self._made(day):
                    self._make(day)
        try:
            secret = read_secret(self._file(day))
        except (KeyMissing, KeyUnusable):
            # It may have been destroyed while we read: the state then says so.
            self._made(day)
            raise
        return HmacKey(NAME, day.isoformat(), secret)

    def destroy(self, before: date, *, now: datetime) -> tuple[date, ...]:
        """Closes every day before `before`: its key is overwritten and removed. Returns those that had one.

        ValueError when `before` is later than today in UTC: a day that still counts is not closed.
        """
        _refuse_moment(before)
        if before > now.astimezone(UTC).date():
            raise ValueError("only days that are over can be closed")
        with alone(self._folder.parent):
            destroyed_before, made = self._state()
            closed = tuple(sorted(day for day in made if day < before))
            if before > destroyed_before:
                self._remember(before, made - set(closed))
            self._finish_destroying()
        return closed

    def _make(self, day: date) -> None:
        destroyed_before, made = self._state()
        # A process killed between the two leaves a key that was never used: it serves.
        if not self._file(day).exists():
            write_secret(self._file(day), new_secret())
        self._remember(destroyed_before, {*made, day})

    def _made(self, day: date) -> bool:
        destroyed_before, made = self._state()
        if day < destroyed_before:
            raise KeyDestroyed(
                f"the device key of {day} was destroyed when that day was closed: work on a day that is open"
            )
        return day in made

    def _state(self) -> tuple[date, set[date]]:
        state = read_state(self._state_file)
        if state is None:
            raise KeyMissing(f"{self._state_file} is missing, and it says which days are closed: put it back")
        try:
            return date.fromisoformat(state["destroyed_before"]), {date.fromisoformat(day) for day in state["made"]}
        except (KeyError, TypeError, ValueError):
            raise KeyUnusable(f"{self._state_file} is altered: put it back from your copy") from None

    def _remember(self, destroyed_before: date, made: set[date]) -> None:
        days = sorted(day.isoformat() for day in made)
        write_state(self._state_file, {"destroyed_before": destroyed_before.isoformat(), "made": days})

    def _finish_destroying(self) -> None:
        # The state comes first: a process killed in between leaves a file that nobody may use, found here.
        destroyed_before, _ = self._state()
        for path in self._folder.glob("????-??-??.key"):
            if date.fromisoformat(path.stem) < destroyed_before:
                destroy(path)

    def _file(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.key"


def _refuse_moment(day: date) -> None:
    if isinstance(day, datetime):
        raise TypeError("a day, not a moment: the same moment is two days in two zones")
