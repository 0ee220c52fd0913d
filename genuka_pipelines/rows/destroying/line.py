"""What a run did, line by line: the numbers that are shown, written down and compared with the plan's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Line:
    """One ending of one table in one database; None is unknown, which is not zero.

    `due` rows were selected; `deleted` and `anonymised` of them were. Counted afterwards by the same
    predicate: `held`, `kept_by_law`, `waiting` for a row that must go first and is itself kept, and the
    `survivors` that nothing keeps, of which another session held `busy` and a limit left `capped`. Rows
    `by_hand` wait until people destroy what they point at, by `procedure`: they are no survivors of the run.
    """

    category: str
    table: str
    rule: str | None
    clause: str | None
    action: str
    database: str | None
    due: int | None = None
    deleted: int = 0
    anonymised: int = 0
    held: int | None = None
    kept_by_law: int | None = None
    survivors: int | None = None
    busy: int = 0
    waiting: int | None = None
    capped: int = 0
    unknown: str | None = None
    by_hand: int = 0
    procedure: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Every line of a run."""

    as_of: datetime
    lines: tuple[Line, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is unknown."""
        return all(line.unknown is None for line in self.lines)

    @property
    def survivors(self) -> int:
        """Rows that nothing keeps and that are still there."""
        return sum(line.survivors or 0 for line in self.lines)

    @property
    def capped(self) -> int:
        """Of the survivors, those that a limit of the run left to the next."""
        return sum(line.capped for line in self.lines)

    @property
    def by_hand(self) -> int:
        """Rows that wait until people destroy what they point at."""
        return sum(line.by_hand for line in self.lines)

    @property
    def deleted(self) -> int:
        """Rows that are gone."""
        return sum(line.deleted for line in self.lines)

    @property
    def anonymised(self) -> int:
        """Rows that no longer speak of anybody."""
        return sum(line.anonymised for line in self.lines)
