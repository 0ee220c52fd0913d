"""Restores a few backups every night where nobody uses them, so that all of them are known to come back.

A backup that was never restored is a hope. Each drill reads one region alone, as if the others and the machine
that made it were lost, and erases a row on purpose to see that the gate would have kept it out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.backups.drills.sampling import Chosen
from genuka_pipelines.backups.errors import BackupError, NotErasedYet, NotTheSame
from genuka_pipelines.backups.owner import Owner
from genuka_pipelines.backups.restoring import Reach, plan_of, targets_in
from genuka_pipelines.backups.restoring.opening import Opened
from genuka_pipelines.backups.restoring.restore import Drill, restore
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Erasure
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.fate import erasable
from genuka_pipelines.rows.holding import holds_now
from genuka_pipelines.rows.selection import Everything, Rows
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import Query, as_text
from genuka_pipelines.systems.errors import DatabaseUnreachable
from genuka_pipelines.systems.europe import outside_europe
from genuka_pipelines.systems.scratch import drop_databases, made_for_now

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.backups.restoring.loading import Loaded
    from genuka_pipelines.backups.restoring.plan import Plan
    from genuka_pipelines.backups.restoring.quarantine import RestoredHouse
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.rows.declared import DeclaredTable, Home

_PLANTED = 3
_SCRATCH = re.compile(r"genuka_drill_(\d{14})_\d+_[0-9a-f]{8}(_(?!_).*)?", re.ASCII)
_ABANDONED = timedelta(hours=12)
"""After so long nobody is at work any more in a scratch database: its drill was killed."""


class OutsideEurope(BackupError):
    """What is restored for a drill would leave the place where it is promised to stay."""


@dataclass(frozen=True)
class Drilled:
    """One drill. `failed` is the sentence of what went wrong; all else then says how far it came.

    `planted` rows were erased on purpose and are absent, None where there was nobody to erase. `left_out` are
    foreign keys whose tables were both restored and that could not be made; `late` that it took longer than the
    objective; `backwards` the sequences that would give out a number twice.
    """

    owner: str
    region: str
    backup: str | None = None
    rows: int = 0
    planted: int | None = None
    left_out: tuple[str, ...] = ()
    backwards: tuple[str, ...] = ()
    seconds: float = 0.0
    late: bool = False
    failed: str | None = field(default=None)

    @property
    def passed(self) -> bool:
        """It came back the same, in time, with its counters, and without whom it must not have."""
        return self.failed is None and not self.late and not self.backwards


def drill(
    house: Backupable,
    chosen: Sequence[Chosen],
    server: sa.URL,
    *,
    objective: timedelta,
    clock: Callable[[], datetime],
    system: str | None = None,
    progress: Callable[[Drilled], None] = lambda _: None,
) -> tuple[Drilled, ...]:
    """Restore each into a database of its own on a server in Europe, look at it, and drop it, whatever happens.

    `server` is the URL of any database there, which is not touched, and `system` its name in the catalogue. A
    drill that fails does not keep the others from theirs. What killed drills left there is dropped first.
    OutsideEurope before anything is read.
    """
    refuse_outside_europe(house.catalog, server, system)
    now = clock()
    with suppress(DatabaseUnreachable):  # each drill will say so
        drop_databases(server, lambda name: _is_abandoned(name, now))
    found = []
    for number, one in enumerate(chosen):
        result = _drill(house, one, _named(server, one, number, clock()), objective, clock)
        progress(result)
        found.append(result)
    return tuple(found)


def _is_abandoned(name: str, now: datetime) -> bool:
    """Whether a database of this name was made for a drill that cannot be under way any more."""
    made = _SCRATCH.fullmatch(name)
    before = (now - _ABANDONED).astimezone(UTC)
    return made is not None and made[1] < f"{before:%Y%m%d%H%M%S}"


def refuse_outside_europe(catalog: Catalog, server: sa.URL, system: str | None = None) -> None:
    """OutsideEurope where the catalogue declares that a server, by its system or its host, is in another place."""
    if found := outside_europe(catalog, server, system):
        raise OutsideEurope(
            f"a drill on the server of {found[0]} would bring backups to {found[1]}: give it a server in Europe"
        )


def _named(server: sa.URL, one: Chosen, number: int, now: datetime) -> sa.URL:
    return server.set(database=f"genuka_drill_{now.astimezone(UTC):%Y%m%d%H%M%S}_{number}_{one.owner[:8]}")


def _drill(
    house: Backupable, chosen: Chosen, url: sa.URL, objective: timedelta, clock: Callable[[], datetime]
) -> Drilled:
    began = time.monotonic()
    look = _Look(house, clock, chosen.region, began)
    backup, rows = None, 0
    try:
        # One region alone, and nothing but what lies there: the others, and our own memory, may be lost.
        reach = Reach.of(house, clock(), first=chosen.region, alone=True)
        owner = Owner(reach.night().tenants[chosen.owner], chosen.owner)
        one = reach.backup(owner)
        backup = one.name
        plan = plan_of(Opened("platform" if owner.tenant is None else "tenant", (one,)))
        rows = plan.rows
        look.plan = plan
        targets = targets_in(plan, url)
        with made_for_now(*(target.url for target in targets.values()), name="the drill's scratch"):
            asked = Drill(chosen.region, look.plant, look.look, lambda: int(time.monotonic() - began))
            restore(house, plan, (one,), targets, clock=clock, drill=asked)
            failed = None
    except GenukaError as error:
        failed = str(error)
    except KeyError:
        failed = f"the newest night of {chosen.region} does not name {chosen.owner}: replicate it"
    seconds = time.monotonic() - began
    return Drilled(
        chosen.owner, chosen.region, backup, rows, look.planted, look.left_out, look.backwards, seconds,
        late=seconds > objective.total_seconds(), failed=failed,
    )  # fmt: skip


@dataclass
class _Look:
    """What is erased on purpose, and what is found afterwards."""

    house: Backupable
    clock: Callable[[], datetime]
    region: str
    began: float
    plan: Plan | None = None
    planted: int | None = None
    left_out: tuple[str, ...] = ()
    backwards: tuple[str, ...] = ()
    _rows: list[tuple[str, str | None, Rows]] = field(default_factory=list)

    def plant(self, inside: RestoredHouse, _: Mapping[str, Loaded]) -> list[Erasure]:
        """Entries for a few rows that are there and that nothing keeps."""
        now, entries = self.clock(), []
        hasher = Hasher(self.house.keyring)
        for system in inside.systems:
            homes = inside.databases(system).homes(self.house.catalog, now)
            for home in (homes.shared, *homes.dedicated.values()):
                for table, key in _candidates(self.house, home, now):
                    self._rows.append((system, home.tenant, Rows(table.name, frozenset({key}))))
                    (digest,) = hasher.digests(table.name, [key])
                    entries.append(
                        Erasure(
                            row=digest.hex(),
                            table=table.name,
                            system=system,
                            database=home.tenant or "",
                            origin="request",
                            at=now,
                        )
                    )
        return entries

    def look(self, inside: RestoredHouse, found: Mapping[str, Loaded]) -> int:
        """How many planted rows are gone: all of them, or NotErasedYet. NotTheSame for a counter that went back."""
        for system, tenant, rows in self._rows:
            homes = inside.databases(system).homes(self.house.catalog, self.clock())
            home = homes.shared if tenant is None else homes.dedicated[tenant]
            table = home.table(rows.table)
            query: Query = sa.select(sa.literal_column("1")).select_from(table.sql).where(where(rows, table))
            if home.database.scalar(query.limit(1)) is not None:
                raise NotErasedYet(f"a row of {rows.table} that was erased is back in the restored copy: stop restores")
        self.planted = len(self._rows) or None
        for name, one in found.items():
            self._look_at(name, one)
        if self.backwards:
            raise NotTheSame(f"{', '.join(self.backwards)} would give out numbers that are taken")
        return len(self._rows)

    def _look_at(self, name: str, one: Loaded) -> None:
        if self.plan is None:
            return
        place = self.plan.places[name]
        with one.database.dump() as dump:
            now = dump.sequences()
        behind = [each for each, value in now.items() if int(value) < int(place.sequences.get(each, value))]
        both = {key.shown for key in one.definition.of("foreign_keys", place.tables)
                if key.parent in place.tables}  # fmt: skip
        self.backwards += tuple(f"{name}: {each}" for each in behind)
        self.left_out += tuple(f"{name}: {key}" for key in one.left_out if key in both)


def _candidates(house: Backupable, home: Home, now: datetime) -> list[tuple[DeclaredTable, tuple[str, ...]]]:
    """One row each of a few tables, that neither a hold nor the law keeps."""
    found: list[tuple[DeclaredTable, tuple[str, ...]]] = []
    holds = holds_now(house, home.database.name, now)
    for name in home.declared:
        if len(found) == _PLANTED:
            break
        if name in home.registers:
            continue
        try:
            table = home.table(name)
            keys = [as_text(table.column(part)) for part in table.table.key]
            named = sa.and_(*(key.is_not(None) for key in keys))
            free = erasable(Everything(), table, as_of=now, holds=holds)
            query: Query = sa.select(*keys).select_from(table.sql).where(named, free, _speaks(table)).limit(1)
            found += [(table, tuple(row)) for row in home.database.rows(query)]
        except GenukaError:
            # A table that cannot be judged is no place for a trial; the gate says so where it matters.
            continue
    return found


def _speaks(table: DeclaredTable) -> sa.ColumnElement[bool]:
    """One that says something: of a row that was anonymised, an erasure takes no more."""
    from genuka_pipelines.rows.blanks import blanked, not_yet_blank

    return not_yet_blank(table) if blanked(table) else sa.true()
