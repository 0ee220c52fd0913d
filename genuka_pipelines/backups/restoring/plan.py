"""What a restore would put where, as a value: which databases and tables, and what their rows must add up to.

Decided before anything is opened, so that it can be shown, and so that what comes out can be compared with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

import sqlalchemy as sa

from genuka_pipelines.backups.digest import Digest
from genuka_pipelines.backups.errors import NoSuchBackup
from genuka_pipelines.backups.restoring.reading import Where

if TYPE_CHECKING:
    from genuka_pipelines.backups.format.manifest import Manifest, PlaceState, TableState
    from genuka_pipelines.backups.owner import Owner

Scope = Literal["tenant", "table", "platform", "everything"]


class Planned(Protocol):
    """A backup, as far as a plan looks at it."""

    owner: Owner
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Expected:
    """What a table must have after it was loaded: rows, and their digest."""

    rows: int
    digest: Digest

    def __add__(self, other: Expected) -> Expected:
        return Expected(self.rows + other.rows, self.digest + other.digest)


@dataclass(frozen=True)
class Place:
    """One database to be restored. `tenant` is set where it is that tenant's own.

    `of` are the numbers of the backups that have rows of it, `defined_by` the one whose definition makes it.
    """

    where: Where
    tenant: str | None = field(repr=False)
    captured: datetime
    server: tuple[str, str]
    tables: Mapping[str, Expected]
    sequences: Mapping[str, str]
    of: tuple[int, ...]
    defined_by: int


@dataclass(frozen=True)
class Plan:
    """`places` by a name of their own. `only` is the one table that is published, else all are.

    `missing` says of what nothing can be restored; `whole` that every owner of every database is there.
    """

    scope: Scope
    owner: Owner | None = field(repr=False)
    places: Mapping[str, Place]
    only: tuple[str, str] | None = None
    missing: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """No owner is missing."""
        return self.scope == "everything" and not self.missing

    @property
    def rows(self) -> int:
        """The rows that are loaded."""
        return sum(table.rows for place in self.places.values() for table in place.tables.values())

    @property
    def captured(self) -> datetime:
        """The oldest of its snapshots."""
        return min(place.captured for place in self.places.values())


@dataclass(frozen=True)
class Target:
    """Where a database is put: an empty one, or a schema of one (PostgreSQL)."""

    url: sa.URL = field(repr=False)
    schema: str | None = None


def plan(
    backups: Sequence[Planned],
    *,
    scope: Scope,
    table: str | None = None,
    systems: Collection[str] | None = None,
    night: datetime | None = None,
    missing: Sequence[str] = (),
) -> Plan:
    """The plan of a restore of these backups: one owner's, or for everything all owners'.

    `systems` keeps only their databases; `table` publishes one table of one owner. `night` is when the night
    began that saw every owner, also those without changes since their own backup. NoSuchBackup where
    nothing of what is asked for is in them.
    """
    places: dict[str, Place] = {}
    for number, backup in enumerate(backups):
        for state in backup.manifest.places:
            if systems is None or state.system in systems:
                name = _name(state, backup, scope)
                one = _place(state, backup, number, night)
                places[name] = _merged(places[name], one) if name in places else one
    only = None if table is None else _only(places, table)
    if not places:
        raise NoSuchBackup("this backup holds nothing of the databases that were asked for")
    return Plan(scope, backups[0].owner if len(backups) == 1 else None, places, only, tuple(missing))


def targets_in(wanted: Plan, url: sa.URL, schema: str | None = None) -> Mapping[str, Target]:
    """A database for each place: the one of the URL for an owner's own, or else for the first of them;
    for each other one beside it, `<name>_<place>`. A schema is for a plan of a single place, or of one table."""
    if wanted.only is not None:
        return {wanted.only[0]: Target(url, schema)}
    names = sorted(wanted.places, key=lambda name: (not wanted.places[name].where.own, name))
    if schema is not None and len(names) > 1:
        raise NoSuchBackup(
            f"this restore makes {len(names)} databases ({', '.join(names)}), and a schema can hold one: name a system"
        )
    beside = {name: f"{url.database}_{name.replace('.', '_')}" for name in names[1:]}
    return {name: Target(url if name == names[0] else url.set(database=beside[name]), schema) for name in names}


def _name(state: PlaceState, backup: Planned, scope: Scope) -> str:
    where = Where(state.system, state.own)
    return f"{where.name}.{backup.owner.id[:12]}" if where.own and scope == "everything" else where.name


def _place(state: PlaceState, backup: Planned, number: int, night: datetime | None) -> Place:
    return Place(
        where=Where(state.system, state.own),
        tenant=backup.owner.tenant if state.own else None,
        captured=night or state.taken_at,
        server=state.server,
        tables={table.name: _expected(table) for table in state.tables},
        sequences=state.sequences,
        of=(number,),
        defined_by=number,
    )


def _expected(table: TableState) -> Expected:
    return Expected(table.rows, Digest.parse(table.digest))


def _merged(one: Place, other: Place) -> Place:
    """Two owners' parts of one shared database; the newer snapshot defines it, and no sequence goes back."""
    newer = other if other.captured > one.captured else one
    nothing = Expected(0, Digest())
    return Place(
        where=one.where,
        tenant=one.tenant,
        captured=min(one.captured, other.captured),
        server=newer.server,
        tables={
            name: one.tables.get(name, nothing) + other.tables.get(name, nothing)
            for name in dict.fromkeys((*one.tables, *other.tables))
        },
        sequences={
            name: str(max(int(part.sequences.get(name, "0")) for part in (one, other)))
            for name in dict.fromkeys((*one.sequences, *other.sequences))
        },
        of=(*one.of, *other.of),
        defined_by=newer.defined_by,
    )


def _only(places: Mapping[str, Place], table: str) -> tuple[str, str]:
    """Where a table is; in the owner's own database, if it is in both."""
    found = sorted((not place.where.own, name) for name, place in places.items() if table in place.tables)
    if not found:
        raise NoSuchBackup(f"this backup has no table '{table}': it was dropped before, or made after")
    return found[0][1], table
