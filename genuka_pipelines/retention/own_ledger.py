"""Ends the ledger's own entries: by `prune`, since its chain refuses every other deletion.

The control database is dated by the wall clock alone, so no time travels in it: a demo four years ahead
must not lose the evidence of the sweep that it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control.tables import entries
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.destroying import Line
from genuka_pipelines.rows.due import rules_of
from genuka_pipelines.rows.holding import holds_now
from genuka_pipelines.rows.plan import PlanLine
from genuka_pipelines.rows.selection import Due

LEDGER = entries.name


def rules_beside(house: Sweepable, system: str, as_of: datetime) -> tuple[str, ...]:
    """Every line of the control database but the ledger's, as `table.rule`."""
    shared = house.databases(system).homes(house.catalog, as_of).shared
    tables = (shared.table(name) for name in shared.declared if name != LEDGER and shared.has(name))
    return tuple(f"{table.name}.{rule}" for table in tables for rule in rules_of(table))


def sweep_ledger(house: Sweepable, system: str, *, as_of: datetime, now: datetime) -> list[Line]:
    """Prune what is over, by the rules that are declared of it, and count again."""
    found = []
    for before in _due(house, system, as_of, now):
        line = Line(before.category, LEDGER, before.rule, before.clause, "delete", None, unknown=before.unknown)
        if before.unknown is None and not (before.held or before.kept_by_law):
            try:
                line = _pruned(house, system, line, as_of, now)
            except GenukaError as error:
                line = replace(line, unknown=str(error))
        elif before.unknown is None:
            # A prefix goes as a whole, or not at all.
            line = replace(line, due=before.due, held=before.due, kept_by_law=0, survivors=0)
        found.append(line)
    return found


def _pruned(house: Sweepable, system: str, line: Line, as_of: datetime, now: datetime) -> Line:
    table = house.databases(system).home(house.catalog).table(LEDGER)
    gone = house.control.ledger.prune(rules_of(table)[str(line.rule)].period.cutoff(as_of), now=now)
    left = next(one.erasable for one in _due(house, system, as_of, now) if one.rule == line.rule)
    # An open intention keeps what follows it, until it is closed: then the next sweep takes it.
    return replace(line, due=gone + (left or 0), deleted=gone, held=0, kept_by_law=0, survivors=left)


def _due(house: Sweepable, system: str, as_of: datetime, now: datetime) -> list[PlanLine]:
    category = next(key for key, name, _ in house.catalog.tables(system) if name == LEDGER)
    holds = holds_now(house, system, now)
    found = plan(
        Due(None, as_of), house.catalog, house.databases(system), as_of=as_of, holds=holds, categories={category}
    )
    return [line for line in found.lines if line.table == LEDGER]
