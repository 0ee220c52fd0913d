"""Ends objects, files and runs by their age: export archives, answers, staged files, Dagster's history.

The intention is written for what was seen, each thing is destroyed, and the same listing is read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from genuka_pipelines.catalog.category import Objects
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Intent, Planned, merkle_root
from genuka_pipelines.retention.errors import OutOfReach
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.rows.aged import Aged, NotDestroyed, Old
from genuka_pipelines.rows.destroying import Line
from genuka_pipelines.rows.plan import PlanLine
from genuka_pipelines.rows.where import UNIT

BATCH = 1_000
"""Things between one intention and its outcome."""
RULE = "age"
_CONTEXT = "things of an open intention"


def plan_aged(house: Sweepable, key: str, *, as_of: datetime) -> list[PlanLine]:
    """What would go, counted; what is out of reach is unknown."""
    lines = []
    for shelf in _ending(house, key):
        place = PlanLine(key, shelf.table, RULE, shelf.objects.clause, "delete", None, None)
        try:
            due, oldest = shelf.counted(as_of)
            lines.append(replace(place, due=due, oldest=oldest))
        except GenukaError as error:
            lines.append(replace(place, unknown=str(error)))
    return lines


def sweep_aged(
    house: Sweepable, key: str, *, as_of: datetime, clock: Callable[[], datetime], most: int | None = None
) -> list[Swept]:
    """Destroy what is too old, `most` things at most; what is left is counted by the listing that found it.

    What a killed run left open is finished first.
    """
    found: list[Swept] = []
    for shelf in _ending(house, key):
        room = None if most is None else most - sum(swept.line.deleted for swept in found)
        line = Line(key, shelf.table, RULE, shelf.objects.clause, "delete", None)
        try:
            found.append(shelf.swept(line, as_of, clock, room))
        except GenukaError as error:
            found.append(Swept(replace(line, unknown=str(error))))
    return found


def _ending(house: Sweepable, key: str) -> list[_Shelf]:
    """What ends by age here; Dagster's own history only where Dagster asks, since nothing else reaches it."""
    systems = house.catalog.systems
    return [
        _Shelf(house, key, each)
        for each, _ in house.catalog.categories[key].ends_by_age
        if not (systems[each.system].kind == "run_storage" and house.aged(each.system) is None)
    ]


@dataclass(frozen=True)
class Swept:
    """The line of one place, and in one sentence why something there would not go."""

    line: Line
    why: str | None = None


@dataclass(frozen=True)
class _Shelf:
    """One place of a category whose things end by age."""

    house: Sweepable
    key: str
    objects: Objects

    @property
    def table(self) -> str:
        """The place under one name."""
        return "_".join(filter(None, (self.objects.system, self.objects.prefix.strip("/").replace("/", "_"))))

    @property
    def rule(self) -> str:
        return f"{self.key}.{self.table}.{RULE}"

    def reach(self) -> Aged:
        found = self.house.aged(self.objects.system)
        if found is None:
            raise OutOfReach(self.objects.system)
        return found

    def limit(self, as_of: datetime) -> datetime:
        assert self.objects.keep is not None  # noqa: S101 - only what ends by age comes here
        return self.objects.keep.cutoff(as_of)

    def counted(self, as_of: datetime) -> tuple[int, datetime | None]:
        """How many things are too old, and when the oldest was made."""
        due, oldest = 0, None
        for old in self.reach().older(self.objects.prefix, self.limit(as_of)):
            due, oldest = due + 1, old.made if oldest is None else min(oldest, old.made)
        return due, oldest

    def swept(self, line: Line, as_of: datetime, clock: Callable[[], datetime], most: int | None) -> Swept:
        """One batch after the other, past each thing that would not go, until nobody answers."""
        aged, limit, prefix = self.reach(), self.limit(as_of), self.objects.prefix
        self._finish_open(aged, clock)
        gone, stuck, lost = 0, dict[Old, str](), None
        while lost is None:
            room = BATCH if most is None else min(BATCH, most - gone)
            batch = list(islice((old for old in aged.older(prefix, limit) if old not in stuck), max(0, room)))
            if not batch:
                break
            # Versions before the marker that hides them.
            went, failed, lost = self._destroy(aged, sorted(batch, key=lambda old: old.made), as_of, clock)
            gone += went
            stuck |= failed
        left = sum(1 for _ in aged.older(prefix, limit))
        capped = left - len(stuck) if most is not None and gone >= most else 0
        line = replace(line, due=gone + left, deleted=gone, survivors=left, capped=max(0, capped))
        return Swept(line, lost or next(iter(stuck.values()), None))

    def _destroy(
        self, aged: Aged, batch: Sequence[Old], as_of: datetime, clock: Callable[[], datetime]
    ) -> tuple[int, dict[Old, str], str | None]:
        """One batch between its intention and its outcome: how many went, what would not, why it was cut short."""
        digests = [self._digest(old.name, old.version) for old in batch]
        root = merkle_root(sorted(digests))
        planned = Planned(rule=self.rule, table=self.table, count=len(batch), root=root)
        sealed = self.house.keyring.seal(json.dumps([(old.name, old.version) for old in batch]).encode(), _CONTEXT)
        intent = self.house.control.ledger.intend(planned, as_of=as_of, now=clock(), sealed=sealed)
        gone: list[bytes] = []
        failed: dict[Old, str] = {}
        lost = None
        for old, digest in zip(batch, digests, strict=True):
            try:
                aged.destroy(old)
                gone.append(digest)
            except NotDestroyed as error:
                failed[old] = str(error)
            except GenukaError as error:
                lost = str(error)
                break
        self._close(intent, gone, clock)
        return len(gone), failed, lost

    def _finish_open(self, aged: Aged, clock: Callable[[], datetime]) -> None:
        """What a killed run meant, and is no longer listed, is gone; the rest is found again."""
        for intent in self.house.control.ledger.open_intents(self.rule):
            if intent.planned.rule != self.rule:
                continue
            meant = json.loads(self.house.keyring.unseal(intent.sealed, _CONTEXT))
            digests: Mapping[tuple[str, str | None], bytes] = {(n, v): self._digest(n, v) for n, v in meant}
            left = {(old.name, old.version) for old in aged.older(self.objects.prefix, self.limit(intent.as_of))}
            self._close(intent, [digest for thing, digest in digests.items() if thing not in left], clock)

    def _close(self, intent: Intent, gone: Sequence[bytes], clock: Callable[[], datetime]) -> None:
        root = merkle_root(sorted(gone))
        self.house.control.ledger.outcome(intent, count=len(gone), root=root, as_of=intent.as_of, now=clock())

    def _digest(self, name: str, version: str | None) -> bytes:
        return self.house.keyring.erasure.digest(UNIT.join((self.table, name, version or "")).encode())
