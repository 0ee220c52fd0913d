"""What would be destroyed, as a pure value with a digest: the thing a person approves.

An approval that did not name exact counts could be used for something else; the digest changes with
any of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True)
class PlanLine:
    """One rule on one table of one database; None is unknown, which is not zero.

    `due` counts the selected rows, of which `held` are under a hold and `kept_by_law` are not held
    but still within a legal minimum, and `waiting` rows stay because a row that must go before them is
    itself held or kept. `anonymise` are to be anonymised, by their rule or while the law keeps them.
    `database` is the tenant whose own database it is, or None for the shared one. `oldest` is the
    earliest moment from which a due row's period ran.
    """

    category: str
    table: str
    rule: str | None
    clause: str | None
    action: str
    database: str | None
    due: int | None
    held: int | None = None
    kept_by_law: int | None = None
    waiting: int | None = None
    anonymise: int | None = None
    oldest: datetime | None = None
    unknown: str | None = None

    @property
    def erasable(self) -> int | None:
        """Rows that nothing keeps, to which the rule's action is done."""
        if self.due is None:
            return None
        return self.due - (self.held or 0) - (self.kept_by_law or 0) - (self.waiting or 0)


@dataclass(frozen=True)
class Plan:
    """Every line of a selection at a moment, in the order of the catalogue."""

    as_of: datetime
    lines: tuple[PlanLine, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is unknown."""
        return all(line.due is not None for line in self.lines)

    @property
    def digest(self) -> str:
        """SHA-256 of the plan in its one spelling."""
        spelled = json.dumps(asdict(self), sort_keys=True, default=lambda moment: moment.isoformat())
        return hashlib.sha256(spelled.encode()).hexdigest()
