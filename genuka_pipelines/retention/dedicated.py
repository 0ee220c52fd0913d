"""Ends dedicated databases: announced, emptied by the engine, dropped, looked for, dated in the register.

Nobody can undo a DROP. So it waits for a notice that was sent and has been out for its time, for the end
of every hold, and for a verified backup of all that was ever written; what it waits for is said.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.retention.announcing import Announcer
from genuka_pipelines.retention.dropped import Dropping
from genuka_pipelines.retention.endings import Announced, Ending, announced_rules, endings
from genuka_pipelines.retention.errors import NoDayForTheEnd, SurvivingRows
from genuka_pipelines.retention.house import Sweepable
from genuka_pipelines.retention.own_database import OwnDatabase, own_database
from genuka_pipelines.rows.databases import Homes
from genuka_pipelines.rows.destroying import Limits, apply
from genuka_pipelines.rows.fate import fates
from genuka_pipelines.rows.holding import holds_now, live_holds
from genuka_pipelines.rows.path import is_not_true
from genuka_pipelines.rows.selection import Due, Hold, OfTenant
from genuka_pipelines.systems.column_types import as_text
from genuka_pipelines.systems.dropping import drop_database

Step = Literal[
    "not due", "announced", "held", "kept by law", "waits for its notice", "waits for a final backup",
    "used since", "due", "emptied in part", "dropped", "unknown",
]  # fmt: skip
_LEASE = timedelta(seconds=15)


@dataclass(frozen=True)
class Ended:
    """What became of one tenant's database, or of the notice of its end. `notice` is what was issued now."""

    category: str
    table: str
    rule: str
    clause: str
    tenant: str = field(repr=False)
    step: Step
    end: datetime | None
    notice: str | None = None
    unknown: str | None = None


def end_databases(
    house: Sweepable,
    system: str,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    dry_run: bool,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
) -> tuple[Ended, ...]:
    """Announce, empty and drop what the system's register says is over; one answer for each tenant concerned.

    What a killed run left open is finished first. Raises Busy where another process does this work.
    """
    databases = house.databases(system)
    if databases.declared is None or databases.declared.registry is None:
        return ()
    if dry_run:
        return tuple(_Run(house, system, as_of, clock, limits, dry_run=True).all())
    owner = f"dropping:{os.getpid()}:{secrets.token_hex(4)}"
    with house.control.leases.hold("dropping", system, owner, _LEASE):
        return tuple(_Run(house, system, as_of, clock, limits, dry_run=False).all())


@dataclass(frozen=True)
class _Run:
    house: Sweepable
    system: str
    as_of: datetime
    clock: Callable[[], datetime]
    limits: Limits
    dry_run: bool

    def all(self) -> Iterator[Ended]:
        databases = self.house.databases(self.system)
        tenants = databases.declared
        homes = databases.homes(self.house.catalog, self.as_of)
        assert tenants is not None  # noqa: S101 - the caller has looked
        assert tenants.registry is not None  # noqa: S101 - the caller has looked
        register = homes.shared.table(tenants.registry)
        holds = holds_now(self.house, self.system, self.clock())
        for announced in announced_rules(homes.shared, tenants.registry):
            announcer = Announcer(self.house, announced, self.as_of, self.clock())
            dropping = Dropping(self.house, databases, register, tenants, announced, self.clock)
            drops = announced.rule.action == "drop_database"
            if drops and not self.dry_run:
                yield from self._finished(dropping)
            for ending in endings(register, announced.rule, tenants, self.as_of, holds):
                # Whose database is dropped is told of that, not of each rule that ends what is in it.
                if drops or homes.tenants[ending.tenant].mode == "shared":
                    work = _Work(self, homes, announcer, dropping, ending)
                    yield work.end() if drops else work.announce()

    def _finished(self, dropping: Dropping) -> Iterator[Ended]:
        for intent, tenant, ref in dropping.open():
            try:
                gone = dropping.settle(intent, tenant, ref)
            except GenukaError as error:
                yield answered(dropping.announced, tenant, "unknown", None, unknown=str(error))
            else:
                if gone:
                    yield answered(dropping.announced, tenant, "dropped", None)


@dataclass(frozen=True)
class _Work:
    run: _Run
    homes: Homes
    announcer: Announcer
    dropping: Dropping
    ending: Ending

    def announce(self) -> Ended:
        """The notice of an end that is not this room's to bring about."""
        notice = None if self.run.dry_run else self.announcer.announce(self.ending)
        return self._answer("announced" if notice else "not due", notice)

    def end(self) -> Ended:
        """The next step of one database; what goes wrong with it is its own answer."""
        notice = None
        try:
            notice = None if self.run.dry_run else self.announcer.announce(self.ending)
            return self._answer(self._step(notice is not None), notice)
        except GenukaError as error:
            return self._answer("unknown", notice, str(error))

    def _answer(self, step: Step, notice: str | None, unknown: str | None = None) -> Ended:
        found = self.dropping.announced
        return answered(found, self.ending.tenant, step, self.ending.end, notice=notice, unknown=unknown)

    def _step(self, announced: bool) -> Step:
        ending, run = self.ending, self.run
        if not ending.due(run.as_of):
            return "announced" if announced else "not due"
        if ending.held:
            return "held"
        if not self.announcer.told(ending):
            return "waits for its notice"
        copied_at = run.house.final_copy(ending.tenant)
        if copied_at is None or (ending.use is not None and copied_at < ending.use):
            return "waits for a final backup"
        if self.dropping.tenants.dropped is None:
            raise NoDayForTheEnd(run.system)
        own = own_database(self.homes, ending.tenant)
        own.refuse_others(self.homes)
        if not ending.asked and own.written_after(self.announcer.announced.rule.period.cutoff(run.as_of)):
            # The register lags behind: somebody worked here since.
            return "used since"
        if own.written_after(copied_at):
            return "waits for a final backup"
        return "due" if run.dry_run else self._destroy(own)

    def _destroy(self, own: OwnDatabase) -> Step:
        """Intention, emptying, DROP, a look, the date in the register, outcome: in this order."""
        tenant, ref = self.ending.tenant, self.ending.ref
        intent = self.dropping.intend(self.ending, self.run.as_of)
        try:
            step = self._emptied(own) or self._drop(own)
        except GenukaError:
            self.dropping.settle(intent, tenant, ref)
            raise
        gone = self.dropping.settle(intent, tenant, ref)
        if step == "dropped" and not gone:
            raise SurvivingRows([f"{self.dropping.announced.category}: a dedicated database"])
        return step

    def _emptied(self, own: OwnDatabase) -> Step | None:
        """Destroy its rows with what they point at elsewhere; None where nothing is left."""
        run = self.run
        outcome = apply(
            OfTenant(self.ending.tenant), run.house, run.system, as_of=run.as_of, clock=run.clock,
            limits=run.limits, categories=own.categories, contents=run.house.contents,
        )  # fmt: skip
        lines = [line for line in outcome.lines if line.database == self.ending.tenant]
        capped = any(line.capped for line in lines)
        left = [f"{line.category}: {line.table}" for line in lines if line.unknown or (line.survivors and not capped)]
        if left:
            raise SurvivingRows(left, [line.unknown for line in lines if line.unknown])
        if capped:
            return "emptied in part"
        if any(line.kept_by_law for line in lines):
            return "kept by law"
        return "held" if any(line.held or line.waiting for line in lines) else None

    def _drop(self, own: OwnDatabase) -> Step:
        """Drop it, while no hold can arrive and nothing was written meanwhile."""
        run = self.run
        with run.house.control.holds.gate(run.clock()) as gate:
            if not self._goes(live_holds(gate, run.house.keyring, run.system)):
                return "held"
            if own.anything_left():
                return "used since"
            gate.check()
            drop_database(own.home.database)
        return "dropped"

    def _goes(self, holds: tuple[Hold, ...]) -> bool:
        """By the predicate that counts: the register's line is due, and nothing holds it."""
        register, rule = self.dropping.register, self.announcer.announced.rule
        named = as_text(register.column(self.dropping.tenants.registry_tenant)) == self.ending.tenant
        selection = Due(rule, self.run.as_of)
        return any(
            register.home.database.rows(
                sa.select(sa.literal_column("1"))
                .select_from(register.sql)
                .where(named, fate.due, is_not_true(fate.held))
            )
            for fate in fates(selection, register, as_of=self.run.as_of, holds=holds)
            if fate.verb == "drop_database"
        )


def answered(
    announced: Announced,
    tenant: str,
    step: Step,
    end: datetime | None,
    *,
    notice: str | None = None,
    unknown: str | None = None,
) -> Ended:
    """An answer for one tenant under one rule."""
    rule = announced.rule
    return Ended(announced.category, announced.table, announced.name, rule.clause, tenant, step, end, notice, unknown)
