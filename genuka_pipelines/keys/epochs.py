"""Keys for pseudonyms that change from epoch to epoch.

A pseudonym that never changes is a name. Rotation makes a new key and keeps the old one only as long
as asked, so that what was published under it can never be linked to what comes after.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genuka_pipelines.keys.errors import KeyDestroyed, KeyHeldElsewhere, KeyMissing, KeyUnusable
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
from genuka_pipelines.keys.secret import Secret


@dataclass(frozen=True, slots=True)
class _State:
    """`current` counts from 1; `kept` maps an older epoch to the moment it ends; all others are destroyed."""

    current: int
    kept: dict[int, datetime] = field(default_factory=dict)

    def epochs(self) -> set[str]:
        return {str(epoch) for epoch in (self.current, *self.kept)}

    def written(self) -> dict[str, Any]:
        return {
            "current": self.current,
            "kept": {str(epoch): until.isoformat() for epoch, until in self.kept.items()},
        }


class PseudonymRing:
    """The epochs of one kind of pseudonym, one file each under `folder`, or one key given by the operator."""

    def __init__(self, name: str, folder: Path, given: Secret | None = None) -> None:
        self.name = name
        self._folder, self._given = folder, given
        self._state_file = folder / "state.json"

    def make(self) -> None:
        """Makes the first epoch; the caller holds the lock."""
        private_folder(self._folder, create=True)
        write_secret(self._file(1), new_secret())
        write_state(self._state_file, _State(1).written())

    def current(self) -> HmacKey:
        """The key of the current epoch."""
        if self._given is not None:
            return HmacKey(self.name, self._given.id, self._given)
        while True:
            try:
                return self.epoch(str(self._state().current))
            except KeyDestroyed:
                # Another process rotated between our two looks.
                continue

    def epoch(self, id: str) -> HmacKey:  # noqa: A002
        """The key of an epoch that is current or still kept; KeyDestroyed for one that is no longer."""
        if self._given is not None and id == self._given.id:
            return self.current()
        if self._given is None and id in self._state().epochs():
            try:
                return HmacKey(self.name, id, read_secret(self._file(id)))
            except (KeyMissing, KeyUnusable):
                # It may have been destroyed while we read: the state then no longer names it.
                if id in self._state().epochs():
                    raise
        raise KeyDestroyed(f"epoch {id} of {self.name} is destroyed or never was: use the current epoch")

    def rotate(self, *, replacing: str, now: datetime, keep: timedelta = timedelta(0)) -> HmacKey:
        """Starts a new epoch and keeps the old one for `keep`, then call `destroy_ended`.

        `replacing` is the epoch the caller saw: when another process has rotated already, nothing is
        done. Returns the current key. KeyHeldElsewhere for a key given by the operator.
        """
        if self._given is not None:
            raise KeyHeldElsewhere(
                f"{self.name} comes from the file of GENUKA_KEY_{self.name.upper()}_FILE: rotate it there"
            )
        with alone(self._folder.parent):
            state = self._state()
            if replacing == str(state.current):
                following = state.current + 1
                write_secret(self._file(following), new_secret())
                kept = {**state.kept, state.current: now.astimezone(UTC) + keep}
                write_state(self._state_file, _State(following, kept).written())
        self.destroy_ended(now)
        return self.current()

    def destroy_ended(self, now: datetime) -> tuple[str, ...]:
        """Destroys every epoch whose time is over; returns their ids."""
        if self._given is not None:
            return ()
        with alone(self._folder.parent):
            state = self._state()
            ended = sorted(epoch for epoch, until in state.kept.items() if until <= now.astimezone(UTC))
            if ended:
                kept = {epoch: until for epoch, until in state.kept.items() if epoch not in ended}
                state = _State(state.current, kept)
                write_state(self._state_file, state.written())
            # A process killed after writing the state leaves a file that no epoch names.
            for path in self._folder.glob("*.key"):
                if path.stem not in state.epochs():
                    destroy(path)
        return tuple(map(str, ended))

    def _state(self) -> _State:
        state = read_state(self._state_file)
        if state is None:
            raise KeyMissing(f"{self._state_file} is missing, so nobody knows the current epoch: put it back")
        try:
            kept = {int(epoch): datetime.fromisoformat(until) for epoch, until in state["kept"].items()}
            return _State(int(state["current"]), kept)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise KeyUnusable(f"{self._state_file} is altered: put it back from your copy") from None

    def _file(self, epoch: int | str) -> Path:
        return self._folder / f"{epoch}.key"
