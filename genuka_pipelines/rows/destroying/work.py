"""Works on one line until its rows are gone: reads windows, cuts them into batches, destroys, counts again.

While the server deletes one batch, one thread reads and hashes the next; done one after the other, the
evidence would take as long again as the deletion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import (
    ClockAhead,
    ClockSetBack,
    ControlRefused,
    ControlUnreachable,
    LeaseLost,
    LedgerDamaged,
)
from genuka_pipelines.rows.count import NOTHING_DUE, any_due, count_left
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.destroying.batch import Destroyer
from genuka_pipelines.rows.destroying.evidence import Batch
from genuka_pipelines.rows.destroying.limits import Pace
from genuka_pipelines.rows.destroying.line import Line
from genuka_pipelines.rows.destroying.order import refuse_unseen
from genuka_pipelines.rows.destroying.target import Target, Verb
from genuka_pipelines.rows.destroying.windows import Windows
from genuka_pipelines.rows.fate import Fate, fates
from genuka_pipelines.rows.path import never
from genuka_pipelines.rows.selection import AnyOf, Due, OfPerson, OfTenants, Selection
from genuka_pipelines.systems.writer import ForeignKey

ENDS_THE_RUN = (ControlUnreachable, ControlRefused, LeaseLost, ClockAhead, ClockSetBack, LedgerDamaged)
"""Without the ledger, the clock or the right to it, nothing may be destroyed anywhere."""
_TOO_LARGE = 1.5


class ContentOutOfReach(GenukaError):
    """Rows point at something elsewhere that nobody could destroy with them."""


@dataclass(eq=False)
class Work:
    """A line and how far it is. `quotas` bound each tenant's rows, by target; None where no limit binds."""

    line: Line
    targets: Sequence[Target]
    origin: str | None
    quotas: list[dict[str | None, int] | None] = field(default_factory=list)
    stopped: bool = False

    @property
    def again(self) -> bool:
        """Whether another round may do more."""
        return self.line.unknown is None and not self.stopped and bool(self.line.survivors)

    @property
    def rule(self) -> str:
        """The line's name in the ledger: `<category>/<table>.<rule>`."""
        return f"{self.line.category}/{self.line.table}.{self.line.rule or _word(self.targets[0].selection)}"

    def run(self, destroyer: Destroyer, pace: Pace, until: float | None, progress: Callable[[Line], None]) -> None:
        """One round; what goes wrong is said in the line, unless it must end the run."""
        try:
            self.line = replace(self.line, busy=0)
            # Most lines of most nights have nothing due: then one query says all that there is to say.
            if any_due(self.targets[0].table, self._fate(destroyer)):
                self._act(destroyer, pace, until, progress)
                self._say(count_left(self.targets[0].table, self._fate(destroyer)))
            else:
                self._say(NOTHING_DUE)
        except ENDS_THE_RUN:
            raise
        except GenukaError as error:
            self.line = replace(self.line, unknown=str(error))
        progress(self.line)

    def _fate(self, destroyer: Destroyer) -> Fate:
        return self.targets[0].fate(destroyer.holds(destroyer.house.control.holds.live(destroyer.clock())))

    def _act(self, destroyer: Destroyer, pace: Pace, until: float | None, progress: Callable[[Line], None]) -> None:
        main = self.targets[0]
        main.links = main.table.home.database.links()
        if main.verb == "delete":
            refuse_unseen(main.table.home, main.table.name, main.links)
        _refuse_content(self.targets, destroyer)
        for place, target in enumerate(self.targets):
            quotas = self.quotas[place] if self.quotas else None
            if not self.stopped:
                self._round(target, quotas, destroyer, pace, until, progress)

    def _round(
        self,
        target: Target,
        quotas: dict[str | None, int] | None,
        destroyer: Destroyer,
        pace: Pace,
        until: float | None,
        progress: Callable[[Line], None],
    ) -> None:
        holds = destroyer.holds(destroyer.house.control.holds.live(destroyer.clock()))
        with ExitStack() as stack:
            grips = destroyer.grips(target, holds) if quotas is None else None
            let_go = stack.enter_context(grips).drop if grips is not None else _nothing
            windows = Windows(target.table, target.goes(holds), pace.limits.window, pace.room, grips)
            batches = _batches(windows, quotas, target, destroyer, pace)
            aside = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="evidence"))
            following = aside.submit(next, batches, None)
            while (batch := following.result()) is not None:
                following = aside.submit(next, batches, None)
                for part in _cut(batch, target, destroyer, pace):
                    if not pace.go(target.table.home.database, until, let_go):
                        self.stopped = True
                        return
                    self._destroy(part if pace.left is None else _first(part, pace.left, target, destroyer),
                                  target, destroyer, pace, let_go)  # fmt: skip
                    progress(self.line)
                batch.drop()

    def _destroy(
        self, batch: Batch, target: Target, destroyer: Destroyer, pace: Pace, let_go: Callable[[], None]
    ) -> None:
        began = time.perf_counter()
        result = destroyer.destroy(target, batch, self.rule, self.origin)
        batch.drop()
        pace.took(len(batch.rows), result.locked, time.perf_counter() - began, let_go)
        line = replace(self.line, busy=self.line.busy + result.busy)
        if target.does == "delete":
            self.line = replace(line, deleted=line.deleted + result.destroyed)
        else:
            self.line = replace(line, anonymised=line.anonymised + result.destroyed)
        if result.content_left is not None:
            self.line = replace(self.line, unknown=result.content_left)

    def _say(self, counts: Mapping[str, Any]) -> None:
        main, line = self.targets[0], self.line
        kept = {"held": counts["held"], "kept_by_law": counts["kept_by_law"], "waiting": counts["waiting"]}
        survivors = counts["due"] - sum(kept.values())
        if main.verb == "delete":
            survivors += counts["anonymise"]
        done = line.deleted if main.verb == "delete" else line.anonymised
        capped = survivors if self.stopped else 0
        self.line = replace(line, due=done + counts["due"], survivors=survivors, capped=capped, **kept)


def works_of(
    table: DeclaredTable,
    selection: Selection,
    as_of: datetime,
    links: Sequence[ForeignKey],
    destroyer: Destroyer,
    origin: str | None = None,
) -> Iterator[Work]:
    """The lines of a table, but those that drop a database. Raises what makes a declaration uncomputable."""
    holds = destroyer.holds(destroyer.house.control.holds.live(destroyer.clock()))
    for fate in fates(selection, table, as_of=as_of, holds=holds):
        if fate.verb == "drop_database":
            continue
        line = Line(
            category=table.home.declared[table.name].key,
            table=table.name,
            rule=fate.name,
            clause=fate.rule.clause if fate.rule else None,
            action=fate.verb,
            database=table.home.tenant,
        )
        verb: Verb = "anonymise" if fate.verb == "anonymise" else "delete"
        meanwhile = [False, True] if verb == "delete" and not never(fate.scrubbed) else [False]
        targets = [
            Target(table, selection, fate.name, fate.rule, verb, kept, as_of, links, (holds, fate))
            for kept in meanwhile
        ]
        yield Work(line, targets, origin or _origin(selection, fate))


def _batches(
    windows: Windows, quotas: dict[str | None, int] | None, target: Target, destroyer: Destroyer, pace: Pace
) -> Iterator[Batch]:
    for window in windows if quotas is None else windows.fair(quotas):
        if windows.grip is not None and len(window) <= pace.room() * _TOO_LARGE:
            yield destroyer.prepared(target, window, windows.grip)
            continue
        if windows.grip is not None:
            windows.grip.drop()
        start = 0
        while start < len(window):
            rows = window[start : start + max(1, pace.room())]
            start += len(rows)
            yield destroyer.prepared(target, rows)


def _cut(batch: Batch, target: Target, destroyer: Destroyer, pace: Pace) -> Iterator[Batch]:
    """The batch, or parts of it where it was prepared before the last one turned out to be slow."""
    start = 0
    while start < len(batch.rows):
        room = max(1, pace.room())
        if start == 0 and len(batch.rows) <= room * _TOO_LARGE:
            yield batch
            return
        yield destroyer.prepared(target, batch.rows[start : start + room])
        start += room


def _nothing() -> None:
    """There is nothing to let go."""


def _first(batch: Batch, left: int, target: Target, destroyer: Destroyer) -> Batch:
    return batch if len(batch.rows) <= left else destroyer.prepared(target, batch.rows[:left])


def _refuse_content(targets: Sequence[Target], destroyer: Destroyer) -> None:
    for target in targets:
        content = target.table.table.content
        if content is not None and target.empties_content and destroyer.contents is None:
            raise ContentOutOfReach(
                f"rows of '{target.table.name}' point at {content.system}, which this run cannot reach; "
                "give it the contents of that system, or their files would stay for ever"
            )


def _origin(selection: Selection, fate: Fate) -> str | None:
    """Whose deletion this is, where a restored backup has to know of each row."""
    if isinstance(selection, OfPerson):
        return "request"
    if isinstance(selection, OfTenants):
        return "tenant_end"
    return fate.rule.deleted_by if fate.rule else None


def _word(selection: Selection) -> str:
    words = {Due: "due", OfTenants: "of_tenants", OfPerson: "of_person", AnyOf: "asked_for"}
    return words.get(type(selection), type(selection).__name__.lower())
