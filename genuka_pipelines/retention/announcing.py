"""Tells a tenant ahead that it is about to lose data, once for each period of notice and each end.

A notice that nobody was sent, or that came with the loss, is none; so what it announces waits until the
shortest one was sent and its time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.control.notices import Notice
from genuka_pipelines.retention.endings import Announced, Ending
from genuka_pipelines.rows.house import House

_ANY = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Announcer:
    """The notices of one rule. `now` is the wall time, `as_of` the moment that the end is compared with."""

    house: House
    announced: Announced
    as_of: datetime
    now: datetime

    def announce(self, ending: Ending) -> str | None:
        """Issue the notice whose time has come; its period, or None. A tenant that asked needs none."""
        end = ending.end
        near = [period for period in self._periods if end is not None and end <= period.end(self.as_of)]
        if end is None or ending.asked or not near or self._of(ending, near[0]):
            return None
        # A late notice is still given its time.
        due_at = max(end, self._periods[0].end(self.as_of))
        issued = self.house.control.notices.issue(
            self.announced.subject,
            ending.tenant,
            days=_days(near[0]),
            due_at=due_at,
            now=self.now,
            keys=self.house.keyring,
        )
        return str(near[0]) if issued else None

    def told(self, ending: Ending) -> bool:
        """Whether the shortest notice of this very end was sent, and its time is over."""
        if ending.asked or not self._periods:
            return True
        shortest = self._periods[0]
        return any(
            notice.sent_at is not None and max(notice.due_at, shortest.end(notice.sent_at)) <= self.as_of
            for notice in self._of(ending, shortest)
        )

    @property
    def _periods(self) -> list[Period]:
        return sorted(self.announced.rule.notices, key=_days)

    def _of(self, ending: Ending, period: Period) -> list[Notice]:
        """The notices of a period that named this end, or a later day."""
        issued = self.house.control.notices.issued(self.announced.subject, ending.tenant)
        return [n for n in issued if n.days == _days(period) and ending.end is not None and n.due_at >= ending.end]


def _days(period: Period) -> int:
    """The same on every day, so that a notice of a month is not taken for another in February."""
    return (period.end(_ANY) - _ANY).days
