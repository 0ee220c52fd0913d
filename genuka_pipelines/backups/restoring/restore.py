"""One restore from the first byte to the name under which it is used, with the gate in between.

Nothing is published in parts: what is not proved the same, or not yet erased, is discarded as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import NotErasedYet
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring.erasure_list import erasures_known
from genuka_pipelines.backups.restoring.gate import Gate, Passed
from genuka_pipelines.backups.restoring.loading import Loaded, copied, loaded, prove
from genuka_pipelines.backups.restoring.plan import Plan, Target
from genuka_pipelines.backups.restoring.quarantine import Quarantined, RestoredHouse, close_abandoned
from genuka_pipelines.backups.restoring.replaying import SLACK
from genuka_pipelines.control import RecoveryInstructed
from genuka_pipelines.control import Restored as Receipt
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.scratch import made_for_now

if TYPE_CHECKING:
    import sqlalchemy as sa

    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.backups.restoring.reading import Backup
    from genuka_pipelines.control import Erasure

Step = Callable[[str], None]


@dataclass(frozen=True)
class Instruction:
    """A tenant's instruction to give back what it had deleted itself, as a member of staff (an id) recorded it."""

    tenant: str = field(repr=False)
    staff: str = field(repr=False)


@dataclass(frozen=True)
class Restored:
    """What was restored and may be used: `rows` were loaded and are the same as in the source, then `passed` the gate.

    `left_out` names foreign keys, views and the like that could not be made; `receipt` is the ledger's entry.
    """

    rows: int
    tables: int
    passed: Passed
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    receipt: int


@dataclass(frozen=True)
class Drill:
    """What a drill does beside a restore: `plant` gives entries of the list that erase rows which are there;
    `look` is shown the copy that passed, and says how many of them are gone. Both are given the restored house
    and each place. `seconds` is how long it took by then."""

    region: str
    plant: Callable[[RestoredHouse, Mapping[str, Loaded]], Sequence[Erasure]]
    look: Callable[[RestoredHouse, Mapping[str, Loaded]], int]
    seconds: Callable[[], int]


def restore(
    house: Backupable,
    plan: Plan,
    backups: Sequence[Backup],
    into: Mapping[str, Target],
    *,
    clock: Callable[[], datetime],
    recover: Instruction | None = None,
    drill: Drill | None = None,
    step: Step = lambda _: None,
) -> Restored:
    """Restore a plan of these backups into its targets, each empty or not there yet.

    Raises TargetNotEmpty, NotRestorable, NotTheSame, NotErasedYet, BackupDamaged, KeyShredded; then nothing is
    published, and what was loaded is gone. `step` is told what begins: check, load, prove, gate, publish.
    """
    step("check")
    _refuse_instruction(house, plan, recover, clock())
    erasures_known(house, since=plan.captured - SLACK, now=clock())
    close_abandoned(house.control, clock())
    step("load")
    run = _Run(house, plan, backups, clock, recover is not None, drill, step)
    passed, receipt, left_out = run.all_of_it(into) if plan.only is None else run.one_table(into, *plan.only)
    tables = sum(len(place.tables) for place in plan.places.values())
    return Restored(plan.rows, tables, passed, tuple(dict.fromkeys(left_out)), plan.missing, receipt)


@dataclass(frozen=True)
class _Run:
    """A restore under way."""

    house: Backupable
    plan: Plan
    backups: Sequence[Backup]
    clock: Callable[[], datetime]
    recover: bool
    drill: Drill | None
    step: Step

    def all_of_it(self, into: Mapping[str, Target]) -> tuple[Passed, int, list[str]]:
        """Publish every place; what the gate did, the receipt, and what was left out."""
        with loaded(self.plan, self.backups, into) as found:
            passed, receipt = self._passed(found)
            loads = [(name, one.left_out, one.load) for name, one in found.items()]
            return passed, receipt, [f"{name}: {one}" for name, out, load in loads for one in (*out, *load.publish())]

    def one_table(self, into: Mapping[str, Target], name: str, table: str) -> tuple[Passed, int, list[str]]:
        """Publish a table. It is judged among the others of its owner, which say what is overdue in it."""
        target, place = into[name], self.plan.places[name]
        aside = {other: Target(_beside(target.url, number)) for number, other in enumerate(self.plan.places)}
        with (
            Database(target.url, name=place.where.system) as database,
            database.load(target.schema) as last,
            made_for_now(*(one.url for one in aside.values()), name="the restore's scratch"),
            loaded(self.plan, self.backups, aside) as found,
        ):
            passed, receipt = self._passed(found)
            return passed, receipt, [f"{name}: {one}" for one in copied(found[name], table, place.sequences, last)]

    def _passed(self, found: Mapping[str, Loaded]) -> tuple[Passed, int]:
        """Prove what was loaded, lead it through the gate, and write that down: only then may it be published."""
        plan, clock, inside = self.plan, self.clock, _inside(self.house, self.plan, found)
        self.step("prove")
        for name, place in plan.places.items():
            homes = inside.databases(place.where.system).homes(self.house.catalog, clock())
            home = homes.shared if place.tenant is None else homes.dedicated[place.tenant]
            row_key = bytes.fromhex(self.backups[place.defined_by].manifest.row_key)
            prove(plan, name, found[name], home, row_key, plan.owner.tenant if plan.owner else None)
        self.step("gate")
        planted = self.drill.plant(inside, found) if self.drill else ()
        captured = {(place.where.system, place.tenant): place.captured for place in plan.places.values()}
        passed = Gate(self.house, inside, captured, plan.whole, clock, self.recover, planted).passes()
        body = _receipt(plan, passed, found)
        if self.drill:
            drilled = {"drill": True, "region": self.drill.region, "planted": self.drill.look(inside, found)}
            body = body.model_copy(update={**drilled, "seconds": self.drill.seconds()})
        receipt = self.house.control.ledger.append(body, as_of=clock(), now=clock())
        self.step("publish")
        return passed, receipt.seq


def _beside(url: sa.URL, number: int) -> sa.URL:
    """A database for the tables that are judged with the one that is wanted."""
    return url.set(database=f"{url.database}_{number}__judged")


def discard(target: Target) -> None:
    """Remove what a killed restore left in quarantine at a target; nothing where nothing is."""
    with Database(target.url, name="the restore's target") as database, database.load(target.schema):
        """Whoever begins a load takes away what the last one left, and leaving it takes away its own."""


def _inside(house: Backupable, plan: Plan, found: Mapping[str, Loaded]) -> RestoredHouse:
    systems = {}
    for system in dict.fromkeys(place.where.system for place in plan.places.values()):
        places = {name: place for name, place in plan.places.items() if place.where.system == system}
        shared = next((name for name, place in places.items() if place.tenant is None), None)
        if shared is None:
            raise NotErasedYet(
                f"this backup lacks the owner's part of the shared {system}, which says what is overdue in its own "
                "database: restore both"
            )
        own = {place.tenant: found[name].database for name, place in places.items() if place.tenant is not None}
        tenants = house.catalog.systems[system].tenants if system in house.catalog.systems else None
        systems[system] = Quarantined(found[shared].database, own, tenants)
    at = sorted(one.database.url.render_as_string() for one in found.values())
    return RestoredHouse(house, systems, "\n".join(at))


def _refuse_instruction(house: Backupable, plan: Plan, recover: Instruction | None, now: datetime) -> None:
    """Write an instruction down; NotErasedYet where it is another tenant's, or no single tenant's."""
    if recover is None:
        return
    owner = owner_of(recover.tenant, house.keyring)
    if plan.owner is None or plan.owner.id != owner.id:
        raise NotErasedYet(
            "an instruction to recover deletions is one tenant's, and this restore is not of that tenant alone"
        )
    by = house.keyring.erasure.hex(f"staff\x1f{recover.staff}".encode())
    house.control.ledger.append(RecoveryInstructed(owner=owner.id, by=by), as_of=now, now=now)


def _receipt(plan: Plan, passed: Passed, found: Mapping[str, Loaded]) -> Receipt:
    return Receipt(
        scope=plan.scope,
        owner=plan.owner.id if plan.owner else None,
        captured=plan.captured,
        tables=sum(len(one.database.tables()) for one in found.values()),
        rows=plan.rows,
        erased=passed.erased,
        swept=passed.swept,
        kept=passed.kept,
        undone=passed.undone,
        recovered=passed.recovered,
        cut=passed.cut,
        list_head=passed.head,
        list_sha256=passed.sha256,
    )
