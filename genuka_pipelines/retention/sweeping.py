"""One sweep over everything: rows by the one engine, whole databases, and what ends by its age.

A failure in one system must not keep the others from being swept; so every part answers for itself,
and only at the end is anybody told that something is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.retention.aged import plan_aged, sweep_aged
from genuka_pipelines.retention.dedicated import Ended, end_databases
from genuka_pipelines.retention.deletions import list_deletions
from genuka_pipelines.retention.errors import SurvivingRows, UnknownCategory
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.retention.own_ledger import LEDGER, rules_beside, sweep_ledger
from genuka_pipelines.retention.permission import database_systems, refuse_unless_allowed
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.destroying import Limits, Line, apply
from genuka_pipelines.rows.holding import holds_now
from genuka_pipelines.rows.plan import PlanLine
from genuka_pipelines.rows.selection import Due

Progress = Callable[[Line], None]
EVERY = "every table"


@dataclass(frozen=True)
class Sweep:
    """What a sweep did, or would do: a line for each rule of each table and database, and for each store.

    `why` says in sentences what would not go; `partial` that only some categories were asked for.
    """

    as_of: datetime
    lines: tuple[Line, ...] = ()
    planned: tuple[PlanLine, ...] = ()
    databases: tuple[Ended, ...] = ()
    why: tuple[str, ...] = ()
    partial: bool = False

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why something is not known, each reason once."""
        parts: tuple[Line | PlanLine | Ended, ...] = (*self.lines, *self.planned, *self.databases)
        said = [part.unknown for part in parts]
        return tuple(dict.fromkeys(reason for reason in said if reason))

    def refuse_survivors(self) -> None:
        """Raise SurvivingRows where rows are left that nothing keeps, or nobody could say.

        After a run that reached a limit, or swept some categories only, rows may wait for others that were
        left: whether anything is overdue, the check of that name says every night.
        """
        limited = self.partial or any(line.capped for line in self.lines)
        left = [f"{line.category}: {line.table}" for line in self.lines if _left(line, limited)]
        left += [f"{ended.category}: a dedicated database" for ended in self.databases if ended.unknown]
        if left:
            raise SurvivingRows(list(dict.fromkeys(left)), (*self.why, *self.unknown))


def plan_sweep(house: Sweepable, *, as_of: datetime, now: datetime, categories: Collection[str] | None = None) -> Sweep:
    """What would go, what a hold or the law keeps, and which databases end; nothing is changed."""
    wanted = _categories(house, categories)
    planned: list[PlanLine] = []
    databases: list[Ended] = []
    for system, keys in database_systems(house.catalog, wanted):
        then = house.catalog.systems[system].moment(as_of, now)
        try:
            ours = holds_now(house, system, now)
            found = plan(
                Due(None, then), house.catalog, house.databases(system), as_of=then, holds=ours, categories=keys
            )
            planned += [line for line in found.lines if line.action != "drop_database"]
            if _register(house, system) in keys:
                databases += end_databases(house, system, as_of=as_of, clock=lambda: now, dry_run=True)
        except GenukaError as error:
            planned += [PlanLine(key, EVERY, None, None, "delete", None, None, unknown=str(error)) for key in keys]
    planned += [line for key in wanted for line in plan_aged(house, key, as_of=as_of)]
    return Sweep(as_of, planned=tuple(planned), databases=tuple(databases))


def sweep_due(
    house: Sweepable,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    categories: Collection[str] | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Destroy what is due. Raises NotSwitchedOn or InTheFuture before anything is touched, never SurvivingRows."""
    wanted = _categories(house, categories)
    refuse_unless_allowed(house, as_of, clock())
    work = _Work(house, as_of, clock, limits or Limits(), progress)
    for system, keys in database_systems(house.catalog, wanted):
        work.sweep(system, keys)
    for key in wanted:
        work.age(key)
    partial = len(wanted) < len(house.catalog.categories)
    why = tuple(dict.fromkeys(work.why))
    return Sweep(as_of, tuple(work.lines), databases=tuple(work.databases), why=why, partial=partial)


@dataclass
class _Work:
    """One run, bounded as a whole."""

    house: Sweepable
    as_of: datetime
    clock: Callable[[], datetime]
    limits: Limits
    progress: Progress | None
    lines: list[Line] = field(default_factory=list)
    databases: list[Ended] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def sweep(self, system: str, keys: set[str]) -> None:
        """The rows of a system, then the databases that its register says are over."""
        declared = self.house.catalog.systems[system]
        then = declared.moment(self.as_of, self.clock())
        try:
            if not declared.is_control:
                _, unread = list_deletions(self.house, system, as_of=then, categories=keys)
                self.why += unread
            rules = rules_beside(self.house, system, then) if declared.is_control else None
            outcome = apply(
                Due(None, then), self.house, system, as_of=then, clock=self.clock, limits=self._left(),
                categories=keys, rules=rules, contents=self.house.contents, progress=self.progress,
            )  # fmt: skip
            self.lines += outcome.lines
        except GenukaError as error:
            self.lines += [_lost(key, EVERY, error) for key in sorted(keys)]
            return
        if declared.is_control and any(
            name == LEDGER and key in keys for key, name, _ in self.house.catalog.tables(system)
        ):
            self.lines += sweep_ledger(self.house, system, as_of=then, now=self.clock())
        register = _register(self.house, system)
        if register in keys:
            try:
                self.databases += end_databases(
                    self.house, system, as_of=self.as_of, clock=self.clock, dry_run=False, limits=self._left()
                )
            except GenukaError as error:
                self.lines.append(_lost(str(register), EVERY, error))

    def age(self, key: str) -> None:
        """What a category has in stores, folders and the run history."""
        for swept in sweep_aged(self.house, key, as_of=self.as_of, clock=self.clock, most=self._left().rows):
            self.lines.append(swept.line)
            if swept.why:
                self.why.append(swept.why)

    def _left(self) -> Limits:
        """What is left of the limits."""
        rows, seconds = self.limits.rows, self.limits.seconds
        done = sum(line.deleted + line.anonymised for line in self.lines)
        return replace(
            self.limits,
            rows=None if rows is None else max(0, rows - done),
            seconds=None if seconds is None else max(0.0, seconds - (time.monotonic() - self._began)),
        )


def _categories(house: Sweepable, categories: Collection[str] | None) -> tuple[str, ...]:
    unknown = sorted(set(categories or ()) - set(house.catalog.categories))
    if unknown:
        raise UnknownCategory(unknown[0], house.catalog.categories)
    return tuple(key for key in house.catalog.categories if not categories or key in categories)


def _register(house: Sweepable, system: str) -> str | None:
    """The category of the register of a system's dedicated databases."""
    tenants = house.catalog.systems[system].tenants
    return next((key for key, name, _ in house.catalog.tables(system) if tenants and name == tenants.registry), None)


def _lost(key: str, table: str, error: GenukaError) -> Line:
    return Line(key, table, None, None, "delete", None, unknown=str(error))


def _left(line: Line, limited: bool) -> bool:
    return line.unknown is not None or (not limited and bool(line.survivors))
