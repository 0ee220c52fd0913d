"""Applies a selection: every line of every table, children first, in every database, until nothing is left to do.

One line that cannot be worked on must not keep the others from their end, nor look as if it had been.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Busy, Lease
from genuka_pipelines.rows.databases import Homes, expected_in_dedicated
from genuka_pipelines.rows.declared import Home
from genuka_pipelines.rows.destroying.batch import Destroyer
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.destroying.limits import Limits, Pace
from genuka_pipelines.rows.destroying.line import Line, Outcome
from genuka_pipelines.rows.destroying.order import children_first, circles
from genuka_pipelines.rows.destroying.settling import finish_open
from genuka_pipelines.rows.destroying.shares import share_among
from genuka_pipelines.rows.destroying.work import ENDS_THE_RUN, Work, works_of
from genuka_pipelines.rows.selection import Selection

if TYPE_CHECKING:
    from genuka_pipelines.control import Origin
    from genuka_pipelines.rows.content import Contents
    from genuka_pipelines.rows.house import House

ROUNDS = 4
"""How often a line with survivors is tried: rows were locked, or waited for others of their own table."""
_BETWEEN = 0.5
_STEP = 0.1


def apply(
    selection: Selection,
    house: House,
    system: str,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    categories: Collection[str] | None = None,
    rules: Collection[str] | None = None,
    contents: Callable[[str], Contents] | None = None,
    progress: Callable[[Line], None] | None = None,
    origin: Origin | None = None,
) -> Outcome:
    """Destroy what a selection asks for in one system, as far as holds, the law and the limits let it.

    `clock` is the wall time, `as_of` the moment the work is about. `categories` are keys, `rules` are
    names of lines (`closed`, or `orders.closed` for one table). `origin` says whose deletion it is, so that a
    restored backup loses the rows again; without it the rule or the selection says it. Rules that drop a
    database are left to whoever drops it. First finishes what a killed run left open. What cannot be worked
    on is a line with `unknown`, what only people can destroy one with `by_hand`; the caller judges
    `survivors`. Raises Busy where another process does this work, and the control database's own errors:
    nothing is destroyed without it.
    """
    destroyer = Destroyer(house, system, clock, Hasher(house.keyring), contents)
    with _alone(house, system, limits) as lease:
        homes = house.databases(system).homes(house.catalog, as_of)
        unfinished = finish_open(house, destroyer.hasher, homes, system, clock, destroyer.leave)
        pace = Pace(limits, house.control, lease.check)
        destroyer.homes = (homes.shared, *homes.dedicated.values())
        run = _Run(selection, as_of, destroyer, pace, categories, rules, progress, origin)
        lines = run.lines(homes)
    return Outcome(as_of, tuple(_with_unfinished(line, unfinished) for line in lines))


class _Run:
    def __init__(
        self,
        selection: Selection,
        as_of: datetime,
        destroyer: Destroyer,
        pace: Pace,
        categories: Collection[str] | None,
        rules: Collection[str] | None,
        progress: Callable[[Line], None] | None,
        origin: Origin | None,
    ) -> None:
        self._origin = origin
        self._selection, self._as_of, self._destroyer, self._pace = selection, as_of, destroyer, pace
        self._categories, self._rules = categories, rules
        self._progress = progress or (lambda _: None)

    def lines(self, homes: Homes) -> list[Line]:
        """The lines of every database, each with an equal share of the time."""
        unknown: list[Line] = []
        by_home: list[list[Work]] = []
        for home in (homes.shared, *homes.dedicated.values()):
            works, lost = self._works(home, homes.shared)
            by_home.append(works)
            unknown += lost
        for tenant, error in homes.unknown.items():
            unknown += [
                Line(declaration.key, name, None, None, "delete", tenant, unknown=str(error))
                for name, declaration in homes.shared.declared.items()
                if expected_in_dedicated(homes.shared, name) and self._wanted(declaration.key)
            ]
        if self._pace.left is not None:
            share_among([work for works in by_home for work in works], self._destroyer, self._pace.left)
        for place, works in enumerate(by_home):
            self._home(works, self._pace.share(len(by_home) - place))
        return [work.line for works in by_home for work in works] + unknown

    def _works(self, home: Home, shared: Home) -> tuple[list[Work], list[Line]]:
        works: list[Work] = []
        lost: list[Line] = []
        try:
            links = home.database.links()
        except GenukaError as error:
            return [], [self._lost(home, name, error) for name in home.declared if self._wanted_in(home, shared, name)]
        circular = circles(home)
        for name in children_first(home, links):
            if not self._wanted_in(home, shared, name):
                continue
            try:
                if name in circular:
                    raise circular[name]
                works += [
                    work
                    for work in works_of(
                        home.table(name), self._selection, self._as_of, links, self._destroyer, self._origin
                    )
                    if self._rules is None or {work.line.rule, f"{name}.{work.line.rule}"} & set(self._rules)
                ]
            except GenukaError as error:
                lost.append(self._lost(home, name, error))
        missing = [name for name in home.declared if not home.has(name) and self._wanted_in(home, shared, name)]
        for name in missing:
            try:
                home.table(name)
            except GenukaError as error:
                lost.append(self._lost(home, name, error))
        return works, lost

    def _home(self, works: Sequence[Work], until: float | None) -> None:
        left = list(works)
        self._destroyer.go_on = lambda database: self._pace.go(database, until)
        for turn in range(ROUNDS):
            if turn:
                time.sleep(_BETWEEN)
            before = sum(work.line.deleted + work.line.anonymised for work in left)
            for work in left:
                self._run(work, until)
            busy = any(work.line.busy for work in left)
            left = [work for work in left if work.again]
            after = sum(work.line.deleted + work.line.anonymised for work in left)
            if not left or (turn and not busy and after == before):
                break
        for work in works:
            work.line = self._looked_after(work)

    def _run(self, work: Work, until: float | None) -> None:
        """One round of a line; who waits for people is told apart from who could have gone."""
        self._destroyer.by_hand = 0
        before = work.line
        all_left = None if before.survivors is None else before.survivors + before.by_hand
        work.line = replace(before, by_hand=0, procedure=None, survivors=all_left)
        work.run(self._destroyer, self._pace, until, lambda line: self._progress(self._by_hand(line)))
        work.line = self._by_hand(work.line)
        line, share = work.line, sum(sum(quota.values()) for quota in work.quotas if quota)
        if work.quotas and line.survivors and line.deleted + line.anonymised + line.survivors > share:
            # Another round would give the same share once more, at the expense of the other tenants.
            work.stopped = True
            work.line = replace(line, capped=line.survivors)

    def _by_hand(self, line: Line) -> Line:
        waiting = min(self._destroyer.by_hand, line.survivors or 0)
        if not self._destroyer.by_hand:
            return line
        return replace(
            line,
            by_hand=self._destroyer.by_hand,
            procedure=self._destroyer.procedure,
            survivors=None if line.survivors is None else line.survivors - waiting,
            capped=max(0, line.capped - waiting),
        )

    def _looked_after(self, work: Work) -> Line:
        """A hold does not keep what was gone before it came, and whoever placed it has to know."""
        try:
            rows = self._destroyer.held_too_late(work.targets)
        except ENDS_THE_RUN:
            raise
        except GenukaError as error:
            return replace(work.line, unknown=work.line.unknown or str(error))
        late = (
            f"{rows} rows of '{work.line.table}' are held, and what they point at was destroyed just before; "
            "tell whoever placed the hold"
        )
        return replace(work.line, unknown=work.line.unknown or (late if rows else None))

    def _wanted(self, category: str) -> bool:
        return self._categories is None or category in self._categories

    def _wanted_in(self, home: Home, shared: Home, name: str) -> bool:
        there = home.tenant is None or home.has(name) or expected_in_dedicated(shared, name)
        return there and self._wanted(home.declared[name].key)

    @staticmethod
    def _lost(home: Home, name: str, error: GenukaError) -> Line:
        return Line(home.declared[name].key, name, None, None, "delete", home.tenant, unknown=str(error))


@contextmanager
def _alone(house: House, system: str, limits: Limits) -> Iterator[Lease]:
    """The one right to destroy in a system; waits for that of a killed process to end."""
    owner = f"destroying:{os.getpid()}:{secrets.token_hex(4)}"
    until = time.monotonic() + 1.5 * limits.lease.total_seconds()
    with ExitStack() as stack:
        while True:
            try:
                lease = stack.enter_context(house.control.leases.hold("destroying", system, owner, limits.lease))
                break
            except Busy:
                if time.monotonic() > until:
                    raise
                time.sleep(_STEP)
        yield lease


def _with_unfinished(line: Line, unfinished: Mapping[str, GenukaError]) -> Line:
    """Rows that were meant before, and could not be looked at, are not known to be gone."""
    error = next(
        (error for rule, error in unfinished.items() if rule.startswith(f"{line.category}/{line.table}.")), None
    )
    return line if error is None or line.unknown else replace(line, unknown=str(error))
