"""A small house with two regions, and backups of it that are made by hand: real dumps, packs, keys and manifests."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.backups.calendar import backup_id, epoch_of
from genuka_pipelines.backups.capturing.putting import Putting
from genuka_pipelines.backups.digest import HASH, PREFIX, Digest, RowHasher, row_key
from genuka_pipelines.backups.format.fragment import Fragment, Heading, fragment
from genuka_pipelines.backups.format.manifest import Manifest, PlaceState, TableState
from genuka_pipelines.backups.format.night import Night, OwnerState
from genuka_pipelines.backups.format.pack import packs
from genuka_pipelines.backups.owner import Owner, owner_of
from genuka_pipelines.backups.restoring.reading import Where, prefix_of
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.catalog.backup import BackupPlan
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.processor import Processor, Tenants
from genuka_pipelines.control import Control
from genuka_pipelines.keys import Keyring
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Store
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import control_database, keyring
from tests.rows.shop import catalog
from tests.servers import Kind, fresh_database, quick_disk, server

SYSTEM = "shop_database"
TENANTS = Tenants(table="companies", registry="tenant_databases")
ALPHA, BETA, OWN = "alpha", "b'é😀", "dedicated1"
"""Tenants: a plain one, one with a name that nobody quotes right, and one with a database of its own."""
_BASE: dict[str, Any] = {
    "title": {"fr": "Titre", "en": "Title"}, "source": "given", "system": SYSTEM, "role": "processor",
    "subjects": ["shopper"], "purposes": ["improve"], "legal_basis": ["contract"], "law": ["GDPR"],
}  # fmt: skip
_TABLES: dict[str, Any] = {
    "companies": {
        "tenant": "id",
        "columns": {"id": "tenant", "name": "system", "closed_at": "system"},
        "retention": [{"name": "closed", "keep": "P3Y", "since": "closed_at", "clause": "SH-01"}],
    },
    "tenant_databases": {
        "tenant": "company_id",
        "key": ["company_id"],
        "columns": dict.fromkeys(["company_id", "mode", "dsn_secret_ref"], "system"),
        "kept_with": "companies",
    },
    "customers": {
        "tenant": "company_id",
        "subject": {"shopper": "id"},
        "columns": {
            "id": "user.unique_id", "company_id": "tenant", "name": "user.name", "email": "user.contact.email",
            "deleted_at": "system",
        },
        "retention": [
            {"name": "closed", "keep": "P1M", "since": "deleted_at", "deleted_by": "person", "clause": "SH-01"},
        ],
    },
    "orders": {
        "tenant": "company_id",
        "columns": {
            "id": "system", "company_id": "tenant", "customer_id": "user.unique_id", "note": "user.content",
            "placed_at": "system", "deleted_at": "system",
        },
        "ends_with": {"customer_id": "anonymise"},
        "retention": [
            {"name": "deleted", "keep": "P1M", "since": "deleted_at", "deleted_by": "tenant", "clause": "SH-01"},
            {"name": "old", "keep": "P10Y", "since": "placed_at", "clause": "SH-01"},
        ],
    },
    "order_lines": {
        "tenant": {"column": "order_id", "parent": "orders"},
        "columns": dict.fromkeys(["id", "order_id", "label"], "system"),
        "kept_with": "orders",
    },
    "news": {
        "columns": dict.fromkeys(["id", "title", "told_at"], "system"),
        "retention": [{"name": "told", "keep": "P20Y", "since": "told_at", "clause": "SH-01"}],
    },
}  # fmt: skip
SCHEMA = sa.MetaData()


def _text(name: str, *args: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(60), *args, **options)


COMPANIES = sa.Table(
    "companies", SCHEMA, _text("id", primary_key=True), _text("name"), sa.Column("closed_at", sa.DateTime)
)
REGISTER = sa.Table(
    "tenant_databases", SCHEMA, _text("company_id", primary_key=True), _text("mode"), _text("dsn_secret_ref")
)
CUSTOMERS = sa.Table(
    "customers", SCHEMA, _text("id", primary_key=True), _text("company_id"), _text("name"), _text("email"),
    sa.Column("deleted_at", sa.DateTime),
)  # fmt: skip
ORDERS = sa.Table(
    "orders", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=True), _text("company_id"),
    _text("customer_id", sa.ForeignKey("customers.id", name="fk_orders_customer")),
    sa.Column("note", sa.Text), sa.Column("placed_at", sa.DateTime), sa.Column("deleted_at", sa.DateTime),
)  # fmt: skip
LINES = sa.Table(
    "order_lines", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("order_id", sa.ForeignKey("orders.id", name="fk_lines_order")), _text("label"),
)  # fmt: skip
NEWS = sa.Table(
    "news",
    SCHEMA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _text("title"),
    sa.Column("told_at", sa.DateTime),
)
JOBS = sa.Table("jobs", SCHEMA, sa.Column("payload", sa.Text))
CONTENT = (CUSTOMERS, ORDERS, LINES)
OLD = dt.datetime(2026, 9, 1)


@functools.cache
def facts() -> Catalog:
    place = {"title": {"fr": "Ici", "en": "Here"}, "place": {"country": "FR"}}
    host = Processor.model_validate(
        {
            "title": {"fr": "Hôte", "en": "Host"}, "legal_name": "Host", "role": "own", "purposes": ["improve"],
            "systems": {
                SYSTEM: {"kind": "database", "setting": "genuka", "tenants": TENANTS, **place},
                "backups_france": {"kind": "store", "setting": "france", **place},
                "backups_usa": {"kind": "store", "setting": "usa", **place},
            },
        }
    )  # fmt: skip
    backup = BackupPlan.model_validate(
        {
            "title": {"fr": "Sauvegarde", "en": "Backup"}, "databases": [SYSTEM],
            "scratch": SYSTEM,
            "regions": {"france": "backups_france", "usa": "backups_usa"}, "recovery": {"tenant_minutes": 60},
        }
    )  # fmt: skip
    theirs = Category.model_validate({**_BASE, "tables": {k: v for k, v in _TABLES.items() if k != "news"}})
    ours = Category.model_validate({**_BASE, "role": "controller", "tables": {"news": _TABLES["news"]}})
    found = replace(catalog(), categories={"shop/all": theirs, "shop/ours": ours}, processors={"host": host})
    return replace(found, backups={"nightly": backup})


@dataclass
class BackedHouse:
    """A house whose databases are backed up into two folders."""

    catalog: Catalog
    control: Control
    keyring: Keyring
    opened: Databases
    stores: dict[str, FolderStore]
    folder: Path
    kind: Kind

    def databases(self, system: str) -> Databases:
        assert system == SYSTEM
        return self.opened

    def store(self, system: str) -> Store:
        return self.stores[system]

    def store_for_expiry(self, system: str) -> Store:
        return self.stores[system]

    def host(self, system: str) -> str | None:
        assert system in self.catalog.systems
        return None

    def unmet(self, columns: object, expected: object) -> int | None:
        raise AssertionError(f"nobody asked {expected} of {columns}")

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def regions(self) -> dict[str, Store]:
        return {"france": self.stores["backups_france"], "usa": self.stores["backups_usa"]}

    @property
    def shared(self) -> Database:
        return self.opened.shared

    def run(self, *statements: str | sa.Executable, database: Database | None = None) -> None:
        """Change a database as its owner would."""
        engine = sa.create_engine((database or self.shared).url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for one in statements:
                connection.execute(sa.text(one) if isinstance(one, str) else one)


@contextmanager
def backed_house(kind: Kind) -> Iterator[BackedHouse]:
    """The house with three tenants of a few rows each, one of them in a database of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gkb", dir=quick_disk())))
        own = stack.enter_context(fresh_database(kind))
        shared = stack.enter_context(Database(stack.enter_context(fresh_database(kind)), name=SYSTEM))
        databases = Databases(shared, tenants=TENANTS, url_of={"own": own}.__getitem__)
        stack.callback(databases.close)
        stores = {
            name: FolderStore(folder / name, name=name, create=True) for name in ("backups_france", "backups_usa")
        }
        for store in stores.values():
            store.probe()
        control = stack.enter_context(control_database())
        house = BackedHouse(facts(), control, keyring(), databases, stores, folder, kind)
        engine = sa.create_engine(shared.url, poolclass=sa.NullPool)
        SCHEMA.create_all(engine)
        names = {ALPHA: "Alpha", BETA: "L'Été 🌞", OWN: "Dedicated", "quiet": "No rows but this"}
        house.run(
            COMPANIES.insert().values([{"id": one, "name": name} for one, name in names.items()]),
            REGISTER.insert().values([{"company_id": OWN, "mode": "dedicated", "dsn_secret_ref": "own"}]),
            NEWS.insert().values([{"id": 1, "title": "Tab\there\\and\nthere"}, {"id": 2, "title": None}]),
            JOBS.insert().values([{"payload": "same"}, {"payload": "same"}]),
        )
        fill(house, ALPHA)
        fill(house, BETA)
        mine = Database(own, name=SYSTEM)
        stack.callback(mine.close)
        SCHEMA.create_all(sa.create_engine(own, poolclass=sa.NullPool), tables=CONTENT)
        fill(house, OWN, mine)
        yield house


def fill(house: BackedHouse, tenant: str, database: Database | None = None, customers: int = 4) -> None:
    """Customers of a tenant, each with two orders of two lines."""
    names = ["Zoé", "O'Neil", 'a"b\\c', "日本😀"]
    rows = [{"id": f"{tenant}-c{n}", "company_id": tenant, "name": names[n % 4], "email": f"{n}@example.org"}
            for n in range(customers)]  # fmt: skip
    house.run(CUSTOMERS.insert().values(rows), database=database)
    placed = [{"company_id": tenant, "customer_id": row["id"], "note": f"line\nbreak\t{n}", "placed_at": OLD}
              for row in rows for n in range(2)]  # fmt: skip
    house.run(ORDERS.insert().values(placed), database=database)
    chosen = sa.select(ORDERS.c.id, sa.literal("box")).where(ORDERS.c.company_id == tenant)
    for _ in range(2):
        house.run(LINES.insert().from_select(["order_id", "label"], chosen), database=database)


Rows = dict[tuple[str, Where, str], dict[bytes, bytes]]
"""By owner id, database and table: the rows by their hashes."""


@dataclass
class Taker:
    """Makes backups by hand: every night the rows that are new, and the hashes of those that went."""

    house: BackedHouse
    pack: int = 1 << 20
    known: Rows = field(default_factory=dict)
    shapes: dict[tuple[str, Where, str], tuple[tuple[str, ...], str]] = field(default_factory=dict)
    chains: dict[str, list[str]] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)

    def night(self, when: datetime | None = None, *, regions: Sequence[str] = ("france", "usa")) -> str:
        """One night of everyone; its name."""
        when = when or datetime.now(UTC)
        backup = backup_id(when)
        found, places, owners, shapes = self._read(when)
        states, tenants = {}, {}
        for owner in owners:
            manifest_of = self._manifest(owner, backup, when, found, places, shapes)
            for region in regions:
                self._put(owner, region, *manifest_of)
            self.chains.setdefault(owner.id, []).append(backup)
            states[owner.id] = OwnerState(backup=backup, captured=True)
            tenants[owner.id] = owner.tenant
        self.known = found
        night = Night(
            backup=backup, created=when, finished=when, owners=states, tenants=tenants,
            row_key=row_key(self.house.keyring).hex(),
        )  # fmt: skip
        for region in regions:
            with Putting(self.house.regions[region]) as putting:
                putting.night(night, self.house.keyring)
        return backup

    def _read(self, when: datetime) -> tuple[Rows, dict[str, dict[Where, Any]], list[Owner], dict[Any, Any]]:
        found: Rows = {}
        places: dict[str, dict[Where, Any]] = {}
        shapes: dict[Any, Any] = {}
        house, hasher = self.house, RowHasher(row_key(self.house.keyring))
        homes = house.opened.homes(house.catalog, when)
        tenants = [None, *homes.tenants]
        owners = {tenant: owner_of(tenant, house.keyring) for tenant in tenants}
        for home in (homes.shared, *homes.dedicated.values()):
            where = Where(SYSTEM, home.tenant is not None)
            whose = [owners[home.tenant]] if home.tenant else list(owners.values())
            by_prefix = {prefix_of(owner.tenant): owner for owner in whose}
            with home.database.dump() as dump, home.database.connected() as connection:
                state = {
                    "system": SYSTEM, "own": where.own, "server": home.database.dialect.product(connection),
                    "snapshot": dump.snapshot, "taken_at": when, "sequences": dict(dump.sequences()),
                }  # fmt: skip
                definition = "".join(f"{line}\n" for line in dump.definition().lines()).encode()
                for owner in whose:
                    places.setdefault(owner.id, {})[where] = (state, definition)
                for name, shape in dump.tables().items():
                    path = home.declared[name].category.tables[name].tenant if name in home.declared else None
                    prefix = None
                    if path is not None:
                        prefix = tenant_of(home.table(name))
                    for owner in whose:
                        if (path is None) == (owner.tenant is None):
                            found[owner.id, where, name] = {}
                            shapes[owner.id, where, name] = (shape.columns, shape.schema_sha256)
                    for block in dump.read(name, prefix):
                        for line in block.split(b"\n")[:-1]:
                            lead, _, row = line.partition(b"\t")
                            key = by_prefix[lead].id, where, name
                            shapes[key] = (shape.columns, shape.schema_sha256)
                            digest = hasher.hashes([line])
                            rows = found.setdefault(key, {})
                            rows[digest + (b"%d" % len(rows) if digest in rows else b"")] = row
        return found, places, list(owners.values()), shapes

    def _manifest(
        self, owner: Owner, backup: str, when: datetime, found: Rows, places: Mapping[str, Mapping[Where, Any]],
        shapes: Mapping[Any, Any],
    ) -> tuple[Manifest, list[Fragment]]:  # fmt: skip
        before = {key: rows for key, rows in self.known.items() if key[0] == owner.id}
        chain = tuple(self.chains.get(owner.id, ()))
        if chain and epoch_of(chain[-1]) != epoch_of(backup):
            chain, before = (), {}
            self.chains[owner.id] = []
        fragments, states = [], []
        for number, (where, (state, definition)) in enumerate(places[owner.id].items()):
            fragments.append(_text_of(number, "", "definition", definition.count(b"\n"), definition))
            tables = []
            for key, rows in sorted(found.items(), key=lambda one: one[0][2]):
                if key[:2] != (owner.id, where):
                    continue
                same = key in before and shapes[key] == self.shapes.get(key) and all(len(one) == HASH for one in rows)
                old = before[key] if same else {}
                base = self._bases[key] if same else backup
                new = [row for digest, row in rows.items() if digest not in old]
                if new:
                    text = b"".join(row + b"\n" for row in new)
                    fragments.append(_text_of(number, key[2], "rows" if same else "base", len(new), text))
                gone = [digest[:PREFIX] for digest in old if digest not in rows]
                if gone:
                    fragments.append(_text_of(number, key[2], "gone", len(gone), b"".join(gone)))
                self._bases[key] = base
                digest = sum((Digest.of(one[:HASH]) for one in rows), Digest())
                tables.append(
                    TableState(name=key[2], columns=shapes[key][0], rows=len(rows), digest=digest.hex, base=base)
                )
                self.shapes[key] = shapes[key]
            states.append(PlaceState(**state, definition=backup, tables=tuple(tables)))
        manifest = Manifest(
            backup=backup, owner=owner.id, tenant=owner.tenant, parent=chain[-1] if chain else None, chain=chain,
            created=when, places=tuple(states), packs=(), row_key=row_key(self.house.keyring).hex(), tenant_key="",
        )  # fmt: skip
        return manifest, fragments

    @functools.cached_property
    def _bases(self) -> dict[Any, str]:
        return {}

    def _put(self, owner: Owner, region: str, manifest: Manifest, fragments: list[Fragment]) -> None:
        store = self.house.regions[region]
        vault = Vault(self.house.keyring, self.house.regions, self.house.control.ledger)
        writing = vault.writing(owner.id, manifest.epoch, store)
        with Putting(store) as putting:
            sealed = [putting.pack(writing, packed).result() for packed in packs(fragments, limit=self.pack)]
            whole = manifest.model_copy(
                update={"packs": tuple(pack for pack, _ in sealed), "tenant_key": writing.tenant_key}
            )
            putting.manifest(whole, [*(named for _, named in sealed), writing.named], writing, self.house.keyring)


def _text_of(place: int, table: str, kind: Any, rows: int, data: bytes) -> Fragment:
    return fragment([(Heading(place, table, kind), rows, [data])])


@contextmanager
def targets(kind: Kind, *names: str) -> Iterator[dict[str, sa.URL]]:
    """Empty databases by name, gone at the end, with those that a restore made beside them."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(fresh_database(kind)) for name in names}


def rows_in(url: sa.URL, table: sa.Table, *columns: str) -> set[Any]:
    """The rows of a table of a restored database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.execute(sa.select(*(table.c[name] for name in columns))).all()
    return {row[0] if len(columns) == 1 else tuple(row) for row in found}


def drop(kind: Kind, name: str) -> None:
    """Drop a database that a restore made."""
    here = server(kind)
    here.run(
        f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
        if kind == "postgresql"
        else f"DROP DATABASE IF EXISTS `{name}`"
    )
