"""When a row ends and who decides: its rules, the law, the holds, and the rows that must go before it.

Each of them says its own; that the earliest promise binds, unless something keeps the row for longer, is
decided in this one place, so that every answer can name the clause that decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from genuka_pipelines.catalog import promise as one_rule
from genuka_pipelines.catalog.promise import Minimum, Promise, Reading, earliest, utc

Why = Literal[one_rule.Why, "law", "hold", "below", "above"]


@dataclass(frozen=True)
class Held:
    """A hold that covers the row, by its own id; `until` is its expiry, None for until it is lifted."""

    id: str
    until: datetime | None = None


@dataclass(frozen=True)
class Below:
    """What keeps rows that must go before this one: the law, and holds."""

    law: bool = False
    holds: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What decided, and for a rule its name within the table and its clause."""

    why: Why
    rule: str | None = None
    clause: str | None = None


@dataclass(frozen=True)
class Verdict:
    """When the row ends, and who decides.

    `end` is the first instant at which nothing keeps it, None where none can be told. `acting` is the promise
    that then acts: the first that ends the row, and where nothing ends it, the first that anonymises it.
    `unheld` is the verdict without the row's holds: that of the moment they are lifted.
    """

    as_of: datetime
    end: datetime | None
    decided_by: Decision
    acting: Promise | None
    promised: tuple[Promise, ...]
    minima: tuple[Minimum, ...]
    below: Below = Below()
    held_by: tuple[Held, ...] = ()
    unheld: Verdict | None = field(default=None, repr=False)

    @property
    def due(self) -> bool:
        """Whether any rule's promise is over, whatever the law and holds say."""
        return any(promise.due for promise in self.promised)

    @property
    def kept_by_law(self) -> bool:
        """Whether a legal minimum of any rule is not over."""
        return any(minimum.binding for minimum in self.minima)

    @property
    def kept_by_law_until(self) -> datetime | None:
        """The end of the last minimum that is not over; None where there is none, or where one has no date."""
        ends = [minimum.end for minimum in self.minima if minimum.binding]
        return None if None in ends else max((end for end in ends if end), default=None)

    def goes(self, promise: Promise) -> bool:
        """Whether what a promise is due to do may be done now."""
        if not promise.due or self.held_by:
            return False
        if promise.anonymises:
            return not promise.above_kept and not any(one.binding and one.strict for one in self.minima)
        return not self.kept_by_law and not self.below.law and not self.below.holds

    @property
    def erasable(self) -> bool:
        """Whether the row may go, or be anonymised where that is what is due."""
        return any(self.goes(promise) for promise in self.promised)


def verdict(
    readings: Mapping[str, Reading], as_of: datetime, holds: Sequence[Held] = (), below: Below = Below()
) -> Verdict:
    """The verdict of a moment on one row, from what each of its rules reads there, by the rule's name.

    The earliest promised end binds, unless a legal minimum of any rule or a hold binds later. ValueError
    for a moment without its time zone.
    """
    as_of = utc(as_of)
    covering = _live(holds, as_of)
    unheld = _unheld(
        readings, as_of, Below(below.law, tuple(h for h in _live(below.holds, as_of) if h not in covering))
    )
    if not covering:
        return unheld
    end, decision = unheld.end, unheld.decided_by
    until = [utc(hold.until) for hold in covering if hold.until is not None]
    if len(until) < len(covering):
        end, decision = None, Decision("hold")
    elif end is not None and max(until) > end:
        end, decision = max(until), Decision("hold")
    return Verdict(as_of, end, decision, unheld.acting, unheld.promised, unheld.minima, unheld.below, covering, unheld)


def _live(holds: Sequence[Held], as_of: datetime) -> tuple[Held, ...]:
    """An expired hold binds no more."""
    return tuple(hold for hold in holds if hold.until is None or utc(hold.until) > as_of)


def _unheld(readings: Mapping[str, Reading], as_of: datetime, below: Below) -> Verdict:
    promised = tuple(one_rule.promise(name, reading, as_of) for name, reading in readings.items())
    minima = tuple(found for name, reading in readings.items() for found in one_rule.minimum(name, reading, as_of))
    applying = [one for one in promised if one.why != "no rule applies"]
    ending = [one for one in applying if not one.anonymises] or applying
    acting = earliest(ending)
    end, decision = _decided(acting, ending, minima, as_of, below)
    return Verdict(as_of, end, decision, acting, promised, minima, below)


def _decided(
    acting: Promise | None, ending: Sequence[Promise], minima: Sequence[Minimum], as_of: datetime, below: Below
) -> tuple[datetime | None, Decision]:
    if acting is None or acting.end is None:
        lost = next(iter(ending), None)
        return None, Decision("undated", lost.rule, lost.clause) if lost else Decision("no rule applies")
    laws = [one for one in minima if one.strict or not acting.anonymises]
    law = max(laws, key=lambda one: (one.end is None, one.end or as_of), default=None)
    if law and (law.end is None or law.end > acting.end):
        return law.end, Decision("law", law.rule, law.clause)
    if acting.due and acting.anonymises and acting.above_kept:
        return None, Decision("above", acting.rule, acting.clause)
    if acting.due and not acting.anonymises and (below.law or below.holds):
        return None, Decision("below", acting.rule, acting.clause)
    return acting.end, Decision(acting.why, acting.rule, acting.clause)
