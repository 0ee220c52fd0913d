"""A small house with tenants in a shared database and one in its own: rows of every kind, files, secrets, strangers."""

from __future__ import annotations

import datetime as dt
import functools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pyrage  # type: ignore[import-untyped]
import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.expectation import Expectation
from genuka_pipelines.catalog.processor import Processor, Tenants
from genuka_pipelines.control import Control
from genuka_pipelines.exports import Archive, Opener, Recipient, Trial, create
from genuka_pipelines.exports.house import Exporting
from genuka_pipelines.exports.opening import Bag, opened
from genuka_pipelines.keys import Keyring, Secret
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.column_types import Query
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import control_database, keyring
from tests.rows.shop import catalog
from tests.servers import Kind, fresh_database, quick_disk, server

SYSTEM = "shop_database"
TENANTS = Tenants(table="companies", registry="tenant_databases")
ALPHA, BETA, OWN = "alpha", "b'é😀", "dedicated1"
"""Tenants: a plain one, one with a name that nobody quotes right, and one with a database of its own."""
NOW = datetime(2025, 11, 22, 23, 59, 50, tzinfo=UTC)
IDENTITY = pyrage.x25519.Identity.generate()
TO = Recipient(age=str(IDENTITY.to_public()))
OPENER = Opener(identities=(Secret(str(IDENTITY).encode()),))
_BASE: dict[str, Any] = {
    "title": {"fr": "Titre", "en": "Title"}, "system": SYSTEM, "subjects": ["shopper"], "purposes": ["improve"],
    "legal_basis": ["contract"], "law": ["GDPR"],
    "retention": [{"name": "old", "keep": "P10Y", "since": "companies.closed_at", "clause": "SH-01"}],
}  # fmt: skip


def _columns(*names: str, **held: Any) -> dict[str, Any]:
    return {**dict.fromkeys(names, "system"), **held}


_THEIRS: dict[str, Any] = {
    "companies": {"tenant": "id", "columns": _columns("id", "name", "closed_at")},
    "tenant_databases": {
        "tenant": "company_id", "key": ["company_id"],
        "columns": _columns("company_id", "mode", dsn_secret_ref={"holds": "system.authentication"}),
    },
    "customers": {
        "tenant": "company_id", "subject": {"shopper": "id"},
        "columns": _columns(
            "id", "company_id", "created_at", name="user.name", email="user.contact.email",
            password={"holds": "user.authorization.password", "protected": "hash"},
        ),
        "expectations": [
            {"expect_column_values_to_not_be_null": {"column": "email"}},
            {"expect_column_values_to_be_unique": {"column": "id"}},
        ],
    },
    "orders": {
        "tenant": "company_id",
        "columns": _columns(
            "id", "company_id", "customer_id", "total", "rate", "paid", "placed_at", "due_on", "details", "blob", "note"
        ),
    },
    "order_lines": {
        "tenant": {"column": "order_id", "parent": "orders"}, "kept_with": "orders",
        "columns": _columns("id", "order_id", "label"),
    },
    "media": {
        "tenant": {"column": "model_id", "kind": "model_type", "owners": {"order": "orders", "company": "companies"}},
        "content": {"system": "media_store", "key": "id"},
        "columns": _columns("id", "model_type", "model_id", "file_name"),
    },
    "tags": {"tenant": "company_id", "key": ["company_id", "name"], "columns": _columns("company_id", "name")},
    "tokens": {
        "tenant": "company_id",
        "columns": _columns("company_id", id={"holds": "user.authorization.credentials", "protected": "token"}),
    },
}  # fmt: skip
_OURS: dict[str, Any] = {
    "plans": {"columns": _columns("id", "name")},
}
_RECORDED: dict[str, Any] = {
    "support_logs": {"tenant": "company_id", "columns": _columns("id", "company_id", "note")},
}
SCHEMA = sa.MetaData()
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime().with_variant(sa.dialects.mysql.DATETIME(fsp=6), "mysql", "mariadb")


def _text(name: str, *args: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(60), *args, **options)


COMPANIES = sa.Table("companies", SCHEMA, _text("id", primary_key=True), _text("name"), sa.Column("closed_at", MOMENT))
REGISTER = sa.Table(
    "tenant_databases", SCHEMA, _text("company_id", primary_key=True), _text("mode"), _text("dsn_secret_ref")
)
CUSTOMERS = sa.Table(
    "customers", SCHEMA, _text("id", primary_key=True), _text("company_id"), _text("name"), _text("email"),
    _text("password", nullable=False), sa.Column("created_at", MOMENT), sa.UniqueConstraint("email", "password"),
)  # fmt: skip
ORDERS = sa.Table(
    "orders", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=True), _text("company_id"),
    _text("customer_id", sa.ForeignKey("customers.id", name="fk_orders_customer")),
    sa.Column("total", sa.Numeric(12, 2)), sa.Column("rate", sa.Double), sa.Column("paid", sa.Boolean),
    sa.Column("placed_at", MOMENT), sa.Column("due_on", sa.Date), sa.Column("details", JSON),
    sa.Column("blob", sa.LargeBinary), sa.Column("note", sa.Text),
    sa.Column("plan_id", sa.Integer, sa.ForeignKey("plans.id", name="fk_orders_plan")),
)  # fmt: skip
_THEIRS["orders"]["columns"]["plan_id"] = "system"
PLANS = sa.Table("plans", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), _text("name"))
LINES = sa.Table(
    "order_lines", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("order_id", sa.ForeignKey("orders.id", name="fk_lines_order")), _text("label"),
)  # fmt: skip
FILES = sa.Table(
    "media", SCHEMA, _text("id", primary_key=True), _text("model_type"), _text("model_id"), _text("file_name"),
)  # fmt: skip
TAGS = sa.Table("tags", SCHEMA, _text("company_id"), _text("name"))
TOKENS = sa.Table("tokens", SCHEMA, _text("id", primary_key=True), _text("company_id"))
SUPPORT = sa.Table(
    "support_logs", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=True), _text("company_id"),
    _text("note"),
)  # fmt: skip
CONTENT = (PLANS, CUSTOMERS, ORDERS, LINES, FILES, TAGS)
NOTES = [
    "=cmd|' /C calc'!A0", "+1", "-2", "@sum", "'quoted", "line\nbreak\ttab\r", 'a"b\\c', "日本😀", "", None, "\\N",
    "\x01", "\ttab",
]  # fmt: skip


@functools.cache
def facts() -> Catalog:
    """Those of the small house's own tables."""
    return facts_of(_THEIRS, _OURS, _RECORDED)


def facts_of(theirs: dict[str, Any], ours: dict[str, Any], recorded: dict[str, Any]) -> Catalog:
    """A catalogue of tables held for tenants, of our own, and of what we record; the registers are among the first."""
    place = {"title": {"fr": "Ici", "en": "Here"}, "place": {"country": "FR"}}
    host = Processor.model_validate(
        {
            "title": {"fr": "Hôte", "en": "Host"}, "legal_name": "Host", "role": "own", "purposes": ["improve"],
            "systems": {
                SYSTEM: {"kind": "database", "setting": "genuka", "tenants": TENANTS, "besides": ["tools"], **place},
                "media_store": {"kind": "store", "setting": "media", **place},
                "exports": {"kind": "store", "setting": "exports", **place},
            },
        }
    )  # fmt: skip
    registers = {name: _THEIRS[name] for name in ("companies", "tenant_databases")}
    kinds = {
        "shop/all": ("processor", "given", {**registers, **theirs}), "shop/ours": ("controller", "given", ours),
        "shop/recorded": ("controller", "recorded", recorded),
    }  # fmt: skip
    shop = {
        name: Category.model_validate({**_BASE, "role": role, "source": source, "tables": tables})
        for name, (role, source, tables) in kinds.items()
        if tables
    }
    archives = Category.model_validate(
        {
            **{name: value for name, value in _BASE.items() if name != "retention"},
            "role": "processor", "source": "made", "system": "exports",
            "objects": [{"system": "exports", "prefix": "tenants/", "keep": "P30D", "clause": "SH-01"}],
        }
    )  # fmt: skip
    return replace(
        catalog(),
        categories={**shop, "own/exports": archives},
        processors={"host": host},
    )


@dataclass
class ExportHouse:
    """The house; `asked` counts the expectations that were asked of its tables."""

    catalog: Catalog
    control: Control
    keyring: Keyring
    opened: Databases
    stores: dict[str, FolderStore]
    folder: Path
    kind: Kind
    asked: list[Expectation] = field(default_factory=list)

    def databases(self, system: str) -> Databases:
        assert system == SYSTEM
        return self.opened

    def store(self, system: str) -> FolderStore:
        return self.stores[system]

    def unmet(self, columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
        self.asked.append(expected)
        return sum(value is None for value in columns[expected.columns[0]]) if "null" in expected.expect else 0

    @property
    def work(self) -> Path:
        return self.folder / "exports"

    @property
    def trial(self) -> Trial:
        return Trial(server(self.kind).url("postgres" if self.kind == "postgresql" else "mysql"))

    @property
    def shared(self) -> Database:
        return self.opened.shared

    @property
    def own(self) -> Database:
        return self.opened.of(self.opened.tenants(NOW)[OWN])

    def run(self, *statements: str | sa.Executable, database: Database | None = None) -> None:
        """Change a database as its owner would."""
        engine = sa.create_engine((database or self.shared).url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            for one in statements:
                connection.execute(sa.text(one) if isinstance(one, str) else one)

    def export(self, tenant: str, request: str = "first", to: Recipient = TO, **given: Any) -> Archive:
        """The archive of a tenant."""
        options: dict[str, Any] = {"clock": lambda: NOW, "work": self.work, "trial": self.trial, **given}
        exporting: Exporting = self
        return create(exporting, tenant, request=request, to=to, **options)

    @contextmanager
    def bag(self, archive: Archive) -> Iterator[Bag]:
        """What was delivered, opened as the tenant would."""
        path = self.folder / "fetched.tar.age"
        path.write_bytes(self.stores["exports"].get(archive.key))
        with opened(path, OPENER, self.work) as bag:
            yield bag

    def put(self, key: str, data: bytes) -> None:
        """A file in the media store."""
        self.stores["media_store"].put(key, data, if_absent=False)


@contextmanager
def export_house(kind: Kind) -> Iterator[ExportHouse]:
    """The house with three tenants, one of them in a database of its own, and no row of theirs but the registers'."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gkx", dir=quick_disk())))
        own = stack.enter_context(fresh_database(kind))
        shared = stack.enter_context(Database(stack.enter_context(fresh_database(kind)), name=SYSTEM))
        databases = Databases(shared, tenants=TENANTS, url_of={"own": own}.__getitem__)
        stack.callback(databases.close)
        stores = {name: FolderStore(folder / name, name=name, create=True) for name in ("media_store", "exports")}
        control = stack.enter_context(control_database())
        house = ExportHouse(facts(), control, keyring(), databases, stores, folder, kind)
        SCHEMA.create_all(sa.create_engine(shared.url, poolclass=sa.NullPool))
        SCHEMA.create_all(sa.create_engine(own, poolclass=sa.NullPool), tables=CONTENT)
        house.run(
            COMPANIES.insert().values([{"id": one, "name": f"Name of {one}"} for one in (ALPHA, BETA, OWN, "quiet")]),
            REGISTER.insert().values([{"company_id": OWN, "mode": "dedicated", "dsn_secret_ref": "own"}]),
            PLANS.insert().values([{"id": 1, "name": "light"}]),
        )
        house.run(PLANS.insert().values([{"id": 1, "name": "light"}]), database=house.own)
        yield house


def emptied(house: ExportHouse) -> None:
    """No row but the registers', and no file."""
    for database, tables in ((None, SCHEMA.sorted_tables), (house.own, CONTENT)):
        mine = [table for table in reversed(tables) if table.name not in ("companies", "tenant_databases", "plans")]
        house.run(*(table.delete() for table in sorted(mine, key=lambda one: SCHEMA.sorted_tables.index(one))[::-1]),
                  database=database)  # fmt: skip


def mark_of(tenant: str) -> str:
    """What is in every text of a tenant, and in nobody else's."""
    return f"of-{(ALPHA, BETA, OWN).index(tenant)}-"


def fill(
    house: ExportHouse, tenant: str, dice: Random, *, customers: int = 3, database: Database | None = None
) -> None:
    """Rows of a tenant in every table, and a file or two for each of its orders; all with its mark in them."""
    mark = mark_of(tenant)
    people = [
        {
            "id": f"{mark}c{n}", "company_id": tenant, "name": dice.choice(NOTES[:8]),
            "email": f"{mark}{n}@example.org", "password": f"hash-{mark}{n}",
            "created_at": dt.datetime(2026, 1, 1, 1, 2, 3, dice.randrange(10**6)),
        }
        for n in range(customers)
    ]  # fmt: skip
    orders = [
        {
            "company_id": tenant, "customer_id": one["id"], "total": dice.randrange(-(10**6), 10**6) / 100,
            "rate": dice.random(), "paid": dice.random() < 0.5, "due_on": dt.date(2026, 1, 1 + dice.randrange(28)),
            "placed_at": dt.datetime(2026, 2, 1 + dice.randrange(28)),
            "details": {"mark": mark, "n": [1, None]}, "blob": dice.randbytes(5), "note": dice.choice(NOTES),
            "plan_id": 1,
        }
        for one in people for _ in range(dice.randrange(4))
    ]  # fmt: skip
    house.run(*([CUSTOMERS.insert().values(people)] if people else []), database=database)
    for order in orders:
        house.run(ORDERS.insert().values(order), database=database)
    mine = sa.select(ORDERS.c.id, sa.literal(f"{mark}box")).where(ORDERS.c.company_id == tenant)
    house.run(LINES.insert().from_select(["order_id", "label"], mine), database=database)
    numbers = rows(house, sa.select(ORDERS.c.id).where(ORDERS.c.company_id == tenant), database)
    named = [("order", str(number)) for (number,) in numbers] + [("company", tenant)]
    files = [
        {"id": str(UUID(int=dice.getrandbits(128))), "model_type": kind, "model_id": key, "file_name": f"{mark}=a.png"}
        for kind, key in named
    ]
    house.run(
        FILES.insert().values(files), TAGS.insert().values([{"company_id": tenant, "name": f"{mark}tag"}] * 2),
        database=database,
    )  # fmt: skip
    house.run(
        TOKENS.insert().values({"id": f"secret-{mark}", "company_id": tenant}),
        SUPPORT.insert().values({"company_id": tenant, "note": f"staff note {mark}"}),
    )
    for one in files:
        house.put(f"{one['id']}/{mark}original.png", f"picture {mark}{one['id']}".encode())
        if dice.random() < 0.5:
            house.put(f"{one['id']}/conversions/{mark}thumb.png", b"small " + mark.encode())


def rows(house: ExportHouse, query: Query, database: Database | None = None) -> list[Any]:
    engine = sa.create_engine((database or house.shared).url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def ndjson(bag: Bag, table: str) -> list[dict[str, Any]]:
    """The rows of a table, as a program reads them."""
    import gzip

    with bag.open(f"data/ndjson/{table}.ndjson.gz") as file:
        return [json.loads(line) for line in gzip.decompress(file.read()).decode().split("\n") if line]
