"""Where a ledger begins whose oldest entries went, and whether they went too early.

A forger who wants entries gone may call that pruning; the anchors know how young the entries were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from genuka_pipelines.control.anchor import Anchor
from genuka_pipelines.control.bodies import Pruned
from genuka_pipelines.control.canonical import GENESIS

SURELY = timedelta(days=1823)
"""A little less than the five years that entries are kept, as in the database's own triggers: no leap
day may make an honest entry look taken too early."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Beginning:
    """After entry `seq`, whose hash is `hash`; what went was said, on the day `written`, to be of `before` or older."""

    seq: int = 0
    hash: str = GENESIS
    before: date = date.min
    written: date = date.max

    @classmethod
    def after(cls, pruned: Pruned, at: datetime) -> Beginning:
        """As an entry of the moment `at` says."""
        return cls(pruned.through, pruned.last_hash, pruned.before, at.date())

    def too_early(self, anchors: Iterable[Anchor]) -> bool:
        """Whether entries went before their time: by the entry's own words, or by an anchor.

        What follows an anchor's entry was written on the anchor's day or later; a day is allowed for zones.
        """
        if self.seq == 0:
            return False
        if self.written - self.before < SURELY:
            return True
        return any(each.seq < self.seq and date.fromisoformat(each.day) > self.before + _DAY for each in anchors)


FROM_THE_START = Beginning()
"""Nothing was ever pruned."""
