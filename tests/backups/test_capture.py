"""Nights of capture on real databases: whatever happens between and during them, each owner's rows come back."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.backups.calendar import EPOCH, Epoch
from genuka_pipelines.backups.capturing import Captured, capture
from genuka_pipelines.backups.capturing.putting import Putting
from genuka_pipelines.backups.capturing.state import State, forget, open_state
from genuka_pipelines.backups.errors import CannotCapture
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.manifest import Manifest
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring.fetching import Fetcher
from genuka_pipelines.backups.restoring.reading import Backup, Where, prefix_of
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.catalog.backup import BackupPlan
from genuka_pipelines.catalog.table import Content
from genuka_pipelines.control import LeaseTaken
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.stores.errors import StoreUnreachable
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable
from tests.backups import taken
from tests.backups.taken import ALPHA, BETA, OWN, SYSTEM, BackedHouse, backed_house
from tests.conftest import ROUNDS, SEED
from tests.servers import Kind

QUIET = "quiet"
Lines = dict[tuple[str | None, Where, str], list[bytes]]
"""By tenant, database and table: the rows as text, sorted."""


@dataclass
class Nights:
    """A house whose nights follow one another, each of them proved."""

    house: BackedHouse
    now: datetime
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.house.backups
        forget(self.folder)

    @property
    def plan(self) -> BackupPlan:
        return self.house.catalog.backups["nightly"]

    @property
    def own(self) -> Database:
        return self.house.opened.of(self.house.opened.tenants(self.now)[OWN])

    def night(self, **options: Any) -> Captured:
        """Capture everyone a day later, unproved."""
        self.now += timedelta(days=1)
        return capture(self.house, self.plan, now=self.now, **options)

    def proved(self, **options: Any) -> Captured:
        """Capture everyone, none failing, and restore everyone."""
        captured = self.night(**options)
        assert captured.failed == {}
        self.prove(captured)
        return captured

    def prove(self, captured: Captured, without: tuple[str | None, ...] = ()) -> None:
        """Every owner's newest backup gives back what is in the databases now."""
        expected = {key: rows for key, rows in self.source().items() if key[0] not in without}
        found: Lines = {}
        for tenant, backup in self.newest(captured).items():
            if tenant not in without and backup is not None:
                found |= self.restored(tenant, backup)
        assert {key: rows for key, rows in found.items() if rows} == expected

    def newest(self, captured: Captured) -> dict[str | None, str | None]:
        owners, tenants = captured.night.owners, captured.night.tenants
        return {tenants[owner]: state.backup for owner, state in owners.items()}

    def made(self, captured: Captured) -> set[str | None]:
        """Whose backup was made tonight."""
        return {captured.night.tenants[owner] for owner, state in captured.night.owners.items() if state.captured}

    def opened(self, tenant: str | None, backup: str) -> Backup:
        house = self.house
        vault = Vault(house.keyring, house.regions, house.control.ledger)
        fetcher = Fetcher({"france": house.regions["france"]})
        return Backup(fetcher, vault, house.keyring, owner_of(tenant, house.keyring), backup)

    def restored(self, tenant: str | None, backup: str) -> Lines:
        opened = self.opened(tenant, backup)
        for where in opened.places:
            assert opened.definition(where).statements
        found: Lines = {}
        for run in opened.rows():
            lines = b"".join(run.blocks).split(b"\n")[:-1]
            found.setdefault((tenant, run.where, run.table), []).extend(lines)
        return {key: sorted(lines) for key, lines in found.items()}

    def manifest(self, captured: Captured, tenant: str | None) -> Manifest:
        return self.opened(tenant, captured.backup).manifest

    def source(self) -> Lines:
        """The rows as they are, straight from the databases."""
        found: Lines = {}
        homes = self.house.opened.homes(self.house.catalog, self.now)
        tenants = {prefix_of(tenant): tenant for tenant in (None, *homes.tenants, "stranger")}
        for home in (homes.shared, *homes.dedicated.values()):
            with home.database.dump() as dump:
                for table in dump.tables():
                    declared = home.declared.get(table)
                    routed = declared is not None and declared.category.tables[table].tenant is not None
                    prefix = tenant_of(home.table(table)) if routed else None
                    for line in b"".join(dump.read(table, prefix)).split(b"\n")[:-1]:
                        lead, _, row = line.partition(b"\t")
                        tenant = home.tenant or tenants[lead]
                        where = Where(SYSTEM, home.tenant is not None)
                        found.setdefault((tenant, where, table), []).append(row)
        return {key: sorted(rows) for key, rows in found.items()}

    def objects(self) -> int:
        return sum(1 for _ in self.house.regions["france"].list("", versions=True))

    def run(self, *statements: str) -> None:
        self.house.run(*statements)


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def both(request: pytest.FixtureRequest) -> Iterator[BackedHouse]:
    yield from _house(request.param)


@pytest.fixture(scope="module")
def house() -> Iterator[BackedHouse]:
    yield from _house("postgresql")


def _house(kind: Kind) -> Iterator[BackedHouse]:
    with backed_house(kind) as found:
        yield found


@pytest.fixture
def nights(house: BackedHouse) -> Nights:
    return Nights(house, _first_day())


_windows = itertools.count()


def _first_day() -> datetime:
    """Days that no other test has, with an epoch after theirs; long enough ago, and still to be locked."""
    window = next(_windows)
    first = Epoch.at(datetime.now(UTC) - timedelta(days=330)).begins
    return first + 2 * EPOCH * (window % 5) + timedelta(hours=1 + window // 5)


# --- what is written, and what is not


def test_a_night_without_changes_writes_no_owner(nights: Nights) -> None:
    first = nights.proved()
    assert nights.made(first) == {None, ALPHA, BETA, OWN, QUIET}
    before = nights.objects()
    again = nights.proved()
    assert nights.made(again) == set()
    assert nights.objects() == before + 1  # the night itself
    assert nights.newest(again) == nights.newest(first)
    assert again.night.rows == first.night.rows
    assert again.night.undeclared == (f"{SYSTEM}.jobs",)


def test_only_what_changed_is_written(nights: Nights) -> None:
    first = nights.proved()
    nights.run(
        f"UPDATE orders SET note = 'later' WHERE company_id = '{ALPHA}' AND id IN (SELECT min(id) FROM orders)",
        f"DELETE FROM order_lines WHERE id IN (SELECT max(id) FROM order_lines WHERE order_id IN "
        f"(SELECT id FROM orders WHERE company_id = '{ALPHA}'))",
    )
    second = nights.proved()
    assert nights.made(second) == {ALPHA}
    manifest = nights.manifest(second, ALPHA)
    assert (manifest.parent, manifest.chain) == (first.backup, (first.backup,))
    sections = {(one.table, one.kind, one.rows) for pack in manifest.packs for one in pack.sections}
    assert sections == {("orders", "rows", 1), ("orders", "gone", 1), ("order_lines", "gone", 1)}


def test_a_new_epoch_is_a_base_for_everybody(nights: Nights) -> None:
    nights.proved()
    nights.now += EPOCH
    second = nights.proved()
    assert nights.made(second) == {None, ALPHA, BETA, OWN, QUIET}
    assert nights.manifest(second, ALPHA).chain == ()
    assert nights.made(nights.proved()) == set()


@pytest.mark.parametrize("seed", range(max(1, ROUNDS // 25)))
def test_whatever_happens_every_night_comes_back(both: BackedHouse, seed: int) -> None:
    """Rows inserted, altered, deleted and moved; the state, the index and whole runs lost; tables altered."""
    nights, chance = Nights(both, _first_day_of(seed, both)), random.Random(SEED + seed)
    for number in range(5):
        for change in chance.choices(CHANGES, k=3):
            change(nights, chance, f"{seed}{number}{chance.random()}")
        if chance.random() < 0.5:
            _killed_night(nights, chance.choice(KILLS))
        nights.proved()


def _first_day_of(seed: int, house: BackedHouse) -> datetime:
    epoch = Epoch.at(datetime.now(UTC) - timedelta(days=330))
    return epoch.begins + timedelta(days=20 * (seed % 12), hours=2 if house.kind == "mariadb" else 3)


Change = Callable[[Nights, random.Random, str], None]


def _insert(nights: Nights, chance: random.Random, name: str) -> None:
    tenant = chance.choice([ALPHA, QUIET, "stranger"])
    database = nights.own if chance.random() < 0.3 else nights.house.shared
    rows = [
        {"company_id": tenant if database is nights.house.shared else OWN, "note": f"{name}\\{number}\t😀"}
        for number in range(chance.randint(1, 40))
    ]
    nights.house.run(taken.ORDERS.insert().values(rows), database=database)


def _update(nights: Nights, chance: random.Random, name: str) -> None:
    orders = taken.ORDERS
    part = orders.c.id % 3 == chance.randint(0, 2)
    nights.house.run(orders.update().where(part).values(note=name))


def _delete(nights: Nights, chance: random.Random, name: str) -> None:
    lines = taken.LINES
    nights.house.run(lines.delete().where(lines.c.id % 5 == chance.randint(0, 4)))


def _move(nights: Nights, chance: random.Random, name: str) -> None:
    orders = taken.ORDERS
    part = (orders.c.id % 4 == chance.randint(0, 3)) & (orders.c.customer_id.is_(None))
    nights.house.run(orders.update().where(part).values(company_id=chance.choice([ALPHA, QUIET, None])))


def _same(nights: Nights, chance: random.Random, name: str) -> None:
    jobs = taken.JOBS
    rows = [{"payload": chance.choice(["same", "other"])} for _ in range(chance.randint(1, 3))]
    nights.house.run(jobs.insert().values(rows) if chance.random() < 0.6 else jobs.delete())


def _alter(nights: Nights, chance: random.Random, name: str) -> None:
    column = f"extra{abs(hash(name)) % 10**6}"
    nights.run(f"ALTER TABLE customers ADD COLUMN {column} varchar(10) DEFAULT 'x'")


def _forget(nights: Nights, chance: random.Random, name: str) -> None:
    if chance.random() < 0.3:
        forget(nights.folder)
    for path in nights.folder.glob("*.index"):
        if chance.random() < 0.5:
            path.write_bytes(path.read_bytes()[:-1])


CHANGES: tuple[Change, ...] = (_insert, _insert, _update, _delete, _move, _same, _alter, _forget)


class _Killed(BaseException):
    """As if the process had been killed here."""


KILLS = ("read", "pack", "manifest", "later manifest", "night", "commit")


def _killed_night(nights: Nights, where: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _kill_at(patch, where)
        with pytest.raises(_Killed):
            nights.night()


def _kill_at(patch: pytest.MonkeyPatch, where: str) -> None:
    calls = iter(range(1000))

    def killed(*_: object, **__: object) -> Any:
        raise _Killed

    def later(self: Putting, *given: Any) -> Any:
        if next(calls) >= 1:
            raise _Killed
        return manifest(self, *given)

    manifest = Putting.manifest
    targets: Mapping[str, tuple[Any, str, Any]] = {
        "read": (State, "changed", killed),
        "pack": (Putting, "pack", killed),
        "manifest": (Putting, "manifest", killed),
        "later manifest": (Putting, "manifest", later),
        "night": (Putting, "night", killed),
        "commit": (State, "commit", killed),
    }
    patch.setattr(*targets[where])
    if where in ("pack", "manifest", "later manifest"):
        # A night in which nobody is written is killed at its end.
        patch.setattr(Putting, "night", killed)


def test_objects_are_listed_for_whom_their_rows_name(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    house, facts = nights.house, nights.house.catalog
    store = FolderStore(house.folder / "media", name="media", create=True, private_keys=True)
    content = (
        facts.categories["shop/all"]
        .tables["orders"]
        .model_copy(update={"content": Content(system="media_store", key="id")})
    )
    tables = {**facts.categories["shop/all"].tables, "orders": content}
    categories = {**facts.categories, "shop/all": facts.categories["shop/all"].model_copy(update={"tables": tables})}
    monkeypatch.setitem(house.stores, "media_store", store)
    monkeypatch.setattr(
        house,
        "catalog",
        replace(
            facts,
            categories=categories,
            backups={"nightly": nights.plan.model_copy(update={"media": ("media_store",)})},
        ),
    )
    orders = taken.ORDERS
    with house.shared.connected() as connection:
        mine, theirs = (
            connection.execute(sa.select(sa.func.min(orders.c.id)).where(orders.c.company_id == who)).scalar()
            for who in (ALPHA, BETA)
        )
    for key in (f"{mine}/a é.jpg", f"{mine}/conversions/a.webp", f"{theirs}/b.jpg", "nobody/c.jpg"):
        store.put(key, key.encode())
    first = nights.proved()
    assert _listed(nights, first, ALPHA) == {f"{mine}/a é.jpg", f"{mine}/conversions/a.webp"}
    assert _listed(nights, first, BETA) == {f"{theirs}/b.jpg"}
    assert _listed(nights, first, None) == {"nobody/c.jpg"}
    assert nights.manifest(first, ALPHA).media[0].bytes == sum(map(len, map(str.encode, _listed(nights, first, ALPHA))))
    assert nights.made(nights.proved()) == set()
    store.put(f"{mine}/a é.jpg", b"another picture", if_absent=False)
    store.delete(f"{theirs}/b.jpg")
    second = nights.proved()
    assert nights.made(second) == {ALPHA, BETA}
    assert _listed(nights, second, BETA) == set()
    assert {one["bytes"] for one in _media(nights, second, ALPHA)} == {15, len(f"{mine}/conversions/a.webp")}


def _listed(nights: Nights, captured: Captured, tenant: str | None) -> set[str]:
    return {one["key"] for one in _media(nights, captured, tenant)}


def _media(nights: Nights, captured: Captured, tenant: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in nights.opened(tenant, captured.backup).media("media_store")]


# --- what goes wrong, and for whom


def test_a_database_that_cannot_be_read_fails_its_tenant_alone(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    first = nights.proved()
    nights.run(f"UPDATE companies SET name = 'New' WHERE id IN ('{OWN}', '{ALPHA}')")

    def unreachable(self: Database, workers: int = 1) -> Any:
        if self.name.endswith(".own"):
            raise DatabaseUnreachable("it does not answer")
        return dump(self, workers)

    dump = Database.dump
    with monkeypatch.context() as patch:
        patch.setattr(Database, "dump", unreachable)
        second = nights.night()
    failed = owner_of(OWN, nights.house.keyring).id
    assert {owner: str(error) for owner, error in second.failed.items()} == {failed: "it does not answer"}
    assert second.night.partial
    state = second.night.owners[failed]
    assert (state.backup, state.captured, state.failed) == (first.backup, False, True)
    assert nights.made(second) == {ALPHA}
    nights.prove(second, without=(OWN,))
    third = nights.proved()
    assert nights.made(third) == {OWN}
    bases = {(table.name, table.base) for place in nights.manifest(third, OWN).places for table in place.tables}
    assert ("companies", third.backup) in bases
    assert ("orders", first.backup) in bases  # its own database is gone on with


def test_a_shared_database_that_breaks_off_fails_everybody(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    first = nights.proved()
    nights.run("UPDATE orders SET note = 'changed'")
    before = nights.objects()

    def lost(system: str, table: str, rows: int) -> None:
        raise DatabaseUnreachable("it broke off")

    second = nights.night(progress=lost)
    assert len(second.failed) == 5
    assert all(state.failed and not state.captured for state in second.night.owners.values())
    assert nights.newest(second) == nights.newest(first)
    assert nights.objects() == before + 1
    assert nights.made(nights.proved()) == {ALPHA, BETA}


def test_an_owner_that_cannot_be_written_is_written_whole_the_next_night(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.proved()
    nights.run("UPDATE orders SET note = 'tonight'")

    def refused(self: Putting, manifest: Manifest, *rest: Any) -> Any:
        if manifest.tenant == BETA:
            raise StoreUnreachable("it does not answer")
        return put(self, manifest, *rest)

    put = Putting.manifest
    with monkeypatch.context() as patch:
        patch.setattr(Putting, "manifest", refused)
        second = nights.night()
    assert list(second.failed) == [owner_of(BETA, nights.house.keyring).id]
    nights.prove(second, without=(BETA,))
    third = nights.proved()
    assert nights.made(third) == {BETA}
    kinds = {(one.table, one.kind) for pack in nights.manifest(third, BETA).packs for one in pack.sections}
    assert kinds == {("orders", "base")}


def test_an_owner_whose_key_was_made_anew_begins_anew(nights: Nights) -> None:
    nights.proved()
    with open_state(nights.folder) as state:
        state._sql.execute("UPDATE owners SET key = 'another' WHERE number = ?", (state.number(ALPHA),))
    nights.run("UPDATE orders SET note = 'again'")
    second = nights.night()
    assert [str(error) for error in second.failed.values()] == [
        f"the key of {owner_of(ALPHA, nights.house.keyring).id} was destroyed and made anew: "
        "the next backup of it is a base, run it again"
    ]
    third = nights.proved()
    assert nights.made(third) == {ALPHA}
    assert nights.manifest(third, ALPHA).chain == ()


def test_an_index_that_lies_is_found_out_the_same_night(nights: Nights) -> None:
    nights.proved()
    with open_state(nights.folder) as state:
        alpha = state.number(ALPHA)
        state._sql.execute("UPDATE held SET rows = rows + 1 WHERE owner = ? AND name = 'orders'", (alpha,))
    nights.run(f"UPDATE orders SET note = 'x' WHERE company_id = '{ALPHA}' AND id IN (SELECT min(id) FROM orders)")
    captured = nights.proved()
    kinds = {(one.table, one.kind) for pack in nights.manifest(captured, ALPHA).packs for one in pack.sections}
    assert kinds == {("orders", "base")}
    assert nights.made(captured) == {ALPHA}


def test_rows_that_become_the_same_as_others_are_written_whole(nights: Nights) -> None:
    nights.run("CREATE TABLE keyless (label text)", "INSERT INTO keyless VALUES ('a'), ('b')")
    nights.proved()
    nights.run("INSERT INTO keyless SELECT 'c' FROM generate_series(1, 60000)", "INSERT INTO keyless VALUES ('a')")
    nights.proved()
    nights.run("DELETE FROM keyless WHERE label = 'c'")
    nights.proved()
    assert nights.made(nights.proved()) == set()
    nights.run("DROP TABLE keyless")


def test_fewer_rows_and_a_table_that_is_gone_are_said(nights: Nights) -> None:
    nights.run("CREATE TABLE notes (id integer PRIMARY KEY)", "INSERT INTO notes SELECT generate_series(1, 2000)")
    nights.run("CREATE TABLE passing (id integer)", "INSERT INTO passing VALUES (1), (1)")
    assert nights.proved().night.suspicious == {}
    nights.run("DELETE FROM notes WHERE id > 900", "DROP TABLE passing")
    second = nights.proved()
    assert second.night.suspicious == {"tables_vanished": 1, "fewer_rows": 1}
    assert "passing" not in {table.name for table in nights.manifest(second, None).places[0].tables}
    nights.run("DROP TABLE notes")
    assert nights.proved().night.suspicious == {"tables_vanished": 1}
    assert nights.proved().night.suspicious == {}


def test_what_is_held_for_tenants_and_leads_to_none_is_refused(nights: Nights) -> None:
    categories = dict(nights.house.catalog.categories)
    ours = categories["shop/ours"].model_copy(update={"role": "processor"})
    facts, nights.house.catalog = (
        nights.house.catalog,
        replace(nights.house.catalog, categories={**categories, "shop/ours": ours}),
    )
    try:
        captured = nights.night()
    finally:
        nights.house.catalog = facts
    assert {type(error) for error in captured.failed.values()} == {CannotCapture}
    assert "'news'" in str(next(iter(captured.failed.values())))


def test_a_lost_state_is_given_back_by_the_manifests(nights: Nights) -> None:
    captured = nights.proved()
    forget(nights.folder)
    # The next nights follow at once: between days lie those of other tests, which are no night of this one.
    nights.now -= timedelta(days=1) - timedelta(minutes=1)
    nights.house.run(taken.ORDERS.update().where(taken.ORDERS.c.company_id == BETA).values(note="after"))
    second = nights.proved()
    # Definitions are written again: which one a chain has is not in a manifest.
    assert {one.kind for pack in nights.manifest(second, ALPHA).packs for one in pack.sections} == {"definition"}
    assert nights.manifest(second, BETA).parent == captured.backup
    nights.now -= timedelta(days=1) - timedelta(minutes=1)
    assert nights.made(nights.proved()) == set()


def test_two_runs_at_once_are_not(nights: Nights) -> None:
    def second(system: str, table: str, rows: int) -> None:
        with pytest.raises(LeaseTaken):
            nights.night()

    assert nights.night(progress=second).failed == {}


def test_the_usa_is_written_where_france_does_not_answer(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    france = nights.house.stores["backups_france"]

    def silent(*_: object, **__: object) -> Any:
        raise StoreUnreachable("it does not answer")

    for method in ("list", "put", "get", "head"):
        monkeypatch.setattr(france, method, silent)
    captured = nights.night()
    assert captured.region == "usa"
    assert captured.failed == {}
    usa = nights.house.regions["usa"]
    assert usa.head(layout.night(captured.backup)).size
