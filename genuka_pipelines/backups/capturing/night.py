"""A whole night of capture: read everything, write every owner that changed, commit the night, then remember it.

The order is the promise: a manifest only when all it names is there, the night only after every manifest,
the state only after the night; so whenever a run is killed, what is there is right and the next run goes on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from genuka_pipelines.backups.calendar import epoch_of
from genuka_pipelines.backups.capturing.house import Scope, scope_of
from genuka_pipelines.backups.capturing.media import MEDIA, MediaRead, media_key, read_media
from genuka_pipelines.backups.capturing.owners import Due, OwnerWriter, Written
from genuka_pipelines.backups.capturing.place import PlaceRead, Progress, Tonight, read_place
from genuka_pipelines.backups.capturing.putting import Putting
from genuka_pipelines.backups.capturing.recalling import recall
from genuka_pipelines.backups.capturing.spool import Spool
from genuka_pipelines.backups.capturing.state import PLATFORM, Held, Known, State, open_state
from genuka_pipelines.backups.capturing.table import TableReader
from genuka_pipelines.backups.digest import Digest, RowHasher, row_key
from genuka_pipelines.backups.errors import CannotCapture
from genuka_pipelines.backups.format.fragment import Fragment, Heading
from genuka_pipelines.backups.format.layout import CANARY
from genuka_pipelines.backups.format.manifest import MediaState, PlaceState, TableState
from genuka_pipelines.backups.format.night import Night, OwnerState
from genuka_pipelines.backups.owner import Owner, owner_of
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.stores.errors import NoSuchStore, StoreUnreachable

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.catalog.backup import BackupPlan
    from genuka_pipelines.control.leases import Lease
    from genuka_pipelines.stores.store import Store

LEASE = timedelta(minutes=2)
WORKERS = 2


@dataclass(frozen=True)
class Captured:
    """What one night did. `region` was written; `failed` says by owner's id why there is no backup of tonight."""

    night: Night
    region: str
    failed: Mapping[str, GenukaError] = field(default_factory=dict)
    objects: int = 0
    bytes: int = 0

    @property
    def backup(self) -> str:
        """The night's name."""
        return self.night.backup


def capture(
    house: Backupable,
    plan: BackupPlan,
    *,
    now: datetime,
    clock: Callable[[], datetime] | None = None,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> Captured:
    """Capture everyone, as of now. `clock` tells the time at the end (else `now` again).

    LeaseTaken while another run captures. StoreUnreachable where no region answers, ClocksApart, IndexUnusable;
    what goes wrong with one database or one owner is in the answer, and the others are captured.
    """
    run = f"capture-{secrets.token_hex(8)}"
    with house.control.leases.hold("backup_replication", "capture", run, LEASE) as lease:
        regions = _answering(house, plan)
        region = next(iter(regions))
        with open_state(house.backups) as state, Spool(house.backups) as spool:
            _sweep(house.backups, state)
            if not state.known():
                recall(house, state, now)
            backup = state.begin(now)
            work = _Work(house, plan, backup, now, state, spool, workers, progress or _silent)
            work.read()
            with Putting(regions[region]) as putting:
                written = work.write(
                    Vault(house.keyring, regions, house.control.ledger), regions[region], putting, lease
                )
                night = work.night(clock() if clock else now)
                lease.check()
                putting.night(night, house.keyring)
            work.commit()
            _sweep(house.backups, state)
    return Captured(night, region, work.failed, sum(one.objects for one in written), sum(one.bytes for one in written))


class _Work:
    def __init__(
        self, house: Backupable, plan: BackupPlan, backup: str, now: datetime, state: State, spool: Spool,
        workers: int, progress: Progress,
    ) -> None:  # fmt: skip
        self._house, self._plan, self._backup, self._now = house, plan, backup, now
        self._state, self._spool = state, spool
        self._key = row_key(house.keyring)
        self._hasher = RowHasher(self._key)
        self._epoch = epoch_of(backup)
        self._known = {
            number: known for number, known in state.known().items() if epoch_of(known.backup) == self._epoch
        }
        self._tonight = Tonight(
            backup, house.backups, state, TableReader(self._hasher, state.number, spool, house.backups), workers,
            plan.fewer_rows, plan.few_rows, progress,
            {number: frozenset((*known.chain, known.backup)) for number, known in self._known.items()},
        )  # fmt: skip
        self._scope = Scope()
        self._places: dict[str, PlaceRead] = {}
        self._media: dict[str, MediaRead] = {}
        self._definitions: dict[tuple[str, int], tuple[str, str]] = {}
        self._newest: dict[int, Known] = {}
        self._given_up: dict[int, GenukaError | None] = {}
        self._anew: set[int] = set()
        self._dead: set[Heading] = set()
        self._unchanged: dict[Heading, frozenset[int]] = {}
        self._owners: dict[str | None, Owner] = {}
        self._vanished_places = 0

    def read(self) -> None:
        """Read every database and store."""
        self._scope = scope_of(self._house, self._plan.databases, self._now)
        for place in self._scope.places:
            try:
                found = self._places[place.key] = read_place(place, self._tonight)
            except GenukaError as error:
                self._scope.fail(place, error)
            except OSError as error:
                self._scope.fail(place, CannotCapture(f"{place.system} cannot be set aside: {error.strerror}"))
            else:
                self._dead |= found.dead
                self._unchanged |= found.unchanged
        for system in self._plan.media:
            try:
                self._media[system] = read_media(
                    system, self._house.store(system), self._scope, self._tonight, self._hasher, self._spool
                )
            except GenukaError as error:
                self._scope.lost[system] = error
                self._scope.with_tenants |= {system}
            else:
                self._unchanged[Heading(0, system, "media")] = self._media[system].unchanged
        self._forget_places()
        self._spool.finish()

    def write(self, vault: Vault, store: Store, putting: Putting, lease: Lease) -> list[Written]:
        """Write every owner that changed, and can be."""
        tools = {"genuka-pipelines": version("genuka-pipelines")}
        writer = OwnerWriter(
            self._backup, self._now, self._key, tools, keyring=self._house.keyring, vault=vault, store=store,
            putting=putting, lease=lease,
        )  # fmt: skip
        written = []
        for one in writer.write(self._dues()):
            if one.known is not None:
                self._newest[one.number] = one.known
            else:
                self._given_up[one.number] = one.error
            if one.begins_anew:
                self._anew.add(one.number)
            written.append(one)
        return written

    def night(self, finished: datetime) -> Night:
        """What is to be said of the night."""
        owners, tenants = {}, {}
        before = self._state.known()
        for number in self._current():
            tenant = self._state.tenant(number)
            if number in self._given_up and self._given_up[number] is None:
                continue
            newest = self._newest.get(number) or before.get(number)
            owner = self._owner(tenant)
            tenants[owner.id] = tenant
            owners[owner.id] = OwnerState(
                backup=newest.backup if newest else None,
                captured=number in self._newest,
                failed=number in self._given_up,
            )
        reads = self._places.values()
        suspicious = {
            "tables_vanished": sum(len(read.vanished) for read in reads),
            "fewer_rows": sum(len(read.fewer) for read in reads),
            "databases_vanished": self._vanished_places,
            "media_unread": sum(read.unread for read in self._media.values()),
        }
        rows: dict[str, int] = {}
        for read in reads:
            for table, stood in read.tables.items():
                name = f"{read.place.system}.{table}"
                rows[name] = rows.get(name, 0) + stood.rows
        return Night(
            backup=self._backup,
            created=self._now,
            finished=finished,
            owners=owners,
            tenants=tenants,
            row_key=self._key.hex(),
            rows=rows,
            suspicious={kind: count for kind, count in suspicious.items() if count},
            undeclared=tuple(sorted({f"{read.place.system}.{table}" for read in reads for table in read.undeclared})),
        )

    def commit(self) -> None:
        """Remember the night."""
        self._state.commit(
            captured=self._newest,
            failed=self._given_up,
            places={key: read.tables for key, read in self._places.items()},
            definitions={key: found for key, found in self._definitions.items() if key[1] in self._newest},
            begins_anew=self._anew,
        )

    @property
    def failed(self) -> dict[str, GenukaError]:
        """By owner's id, why there is no backup of tonight."""
        found = ((self._state.tenant(number), error) for number, error in self._given_up.items())
        return {self._owner(tenant).id: error for tenant, error in found if error is not None}

    def _current(self) -> list[int]:
        """The owners there are: the platform, the registers' tenants, and whoever else has rows."""
        tenants = {self._state.number(tenant) for tenant in self._scope.tenants}
        return sorted({PLATFORM, *tenants, *self._state.with_rows(), *self._newest, *self._given_up})

    def _dues(self) -> Iterator[Due]:
        changed = self._state.changed()
        definitions = {key: self._state.definitions(key) for key in self._places}
        for number in sorted({*self._current(), *changed}):
            error = self._scope.failed(self._state.tenant(number))
            if error is not None:
                self._given_up[number] = error
                continue
            due = self._due(number, number in changed, definitions)
            if due is not None:
                yield due

    def _due(self, number: int, changed: bool, definitions: Mapping[str, Mapping[int, tuple[str, str]]]) -> Due | None:
        tenant, known = self._state.tenant(number), self._known.get(number)
        reads = [self._places[place.key] for place in self._scope.of(tenant)]
        new: list[Fragment] = []
        with_definition: list[tuple[PlaceRead, str]] = []
        for read in reads:
            sha256, backup = definitions[read.place.key].get(number, ("", ""))
            if sha256 != read.definition_sha256 or backup not in self._tonight.valid.get(number, ()):
                backup = self._backup
                new.append(read.definition)
            with_definition.append((read, backup))
        if known is not None and not changed and not new:
            return None
        held = self._state.of_owner(number)
        places = tuple(self._place(read, number, backup, held) for read, backup in with_definition)
        media = tuple(self._media_state(system, read, number, held) for system, read in self._media.items())
        for read, backup in with_definition:
            self._definitions[(read.place.key, number)] = (read.definition_sha256, backup)
        needed = [place.definition for place in places]
        needed += [table.base for place in places for table in place.tables]
        needed += [one.base for one in media]
        chain = (*known.chain, known.backup) if known else ()
        return Due(
            number=number,
            owner=self._owner(tenant),
            places=places,
            media=media,
            chain=tuple(backup for backup in chain if backup >= min(needed, default=self._backup)),
            key=known.key if known else "",
            fragments=self._fragments(number, new),
            size=self._spool.size(number),
        )

    def _fragments(self, number: int, new: list[Fragment]) -> Iterator[Fragment]:
        yield from new
        yield from self._spool.gather(number, lambda heading: self._counts(number, heading))

    def _counts(self, number: int, heading: Heading) -> bool:
        return heading not in self._dead and number not in self._unchanged.get(heading, ())

    def _place(self, read: PlaceRead, number: int, definition: str, held: Mapping[tuple[str, str], Held]) -> PlaceState:
        declared = read.place.home.declared
        nothing = Held(0, Digest(), self._backup)
        # Tables without a row of the owner too: a restore makes them, empty as they were.
        of_owner = read.shapes if number == PLATFORM or read.place.tenant is not None else sorted(read.routed)
        tables = ((name, held.get((read.place.key, name), nothing)) for name in of_owner)
        return PlaceState(
            system=read.place.system,
            own=read.place.tenant is not None,
            server=read.server,
            snapshot=read.snapshot,
            taken_at=read.taken_at,
            definition=definition,
            tables=tuple(
                TableState(
                    name=name,
                    columns=read.shapes[name].columns,
                    rows=one.rows,
                    digest=one.digest.hex,
                    base=one.base,
                    declared=name in declared,
                )
                for name, one in tables
            ),
            sequences=read.sequences,
        )

    def _media_state(
        self, system: str, read: MediaRead, number: int, held: Mapping[tuple[str, str], Held]
    ) -> MediaState:
        one = held.get((media_key(system), MEDIA)) or Held(0, Digest(), self._backup)
        return MediaState(
            system=system, objects=one.rows, bytes=read.bytes_of(number), digest=one.digest.hex, base=one.base
        )

    def _forget_places(self) -> None:
        """Databases that are no more: a tenant's own that was dropped, or one that the plan names no longer."""
        expected = {place.key for place in self._scope.places} | {media_key(system) for system in self._plan.media}
        if self._scope.lost or self._scope.alone:
            # What cannot be opened is not gone.
            return
        for key in self._state.places() - expected:
            self._vanished_places += 1
            for table in self._state.tables(key):
                self._state.change(key, table, [(owner, None) for owner in self._state.held(key, table)])

    def _owner(self, tenant: str | None) -> Owner:
        found = self._owners.get(tenant)
        if found is None:
            found = self._owners[tenant] = owner_of(tenant, self._house.keyring)
        return found


def _answering(house: Backupable, plan: BackupPlan) -> dict[str, Store]:
    """The regions whose store answers, in their order; the others are brought up to them later."""
    found: dict[str, Store] = {}
    why: GenukaError | None = None
    for name, system in plan.regions.items():
        try:
            store = house.store(system)
            next(iter(store.list(CANARY)), None)
        except (StoreUnreachable, NoSuchStore) as error:
            why = why or error
        else:
            found[name] = store
    if not found:
        raise why or CannotCapture("the backup plan names no region: declare its `regions`")
    return found


def _sweep(folder: Path, state: State) -> None:
    """Remove the indexes that the state does not speak of: of nights before, and of runs that were killed."""
    spoken_of = state.files()
    for path in folder.glob("*.index*"):
        if path.name not in spoken_of:
            path.unlink(missing_ok=True)


def _silent(system: str, table: str, rows: int) -> None:
    """Tell nobody."""
