"""A house with everything a sweep reaches: shared and dedicated databases, media, archives, control and keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.processor import Processor, Tenants
from genuka_pipelines.control import Control
from genuka_pipelines.control.bodies import Done
from genuka_pipelines.keys import Keyring
from genuka_pipelines.retention.dedicated import Ended, end_databases
from genuka_pipelines.rows.aged import Aged, AgedFiles, AgedObjects
from genuka_pipelines.rows.content import Contents
from genuka_pipelines.rows.contents_in_stores import ContentsInStore
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dropping import exists
from tests.rows.destroyer import keyring, wall
from tests.rows.shop import catalog
from tests.servers import Kind, fresh_database, server
from tests.systems.opened import _owner, fill

DAY = timedelta(days=1)
QUICK = Limits(lease=timedelta(seconds=5))
TENANTS = Tenants(table="companies", registry="tenant_databases", dropped="dropped_at")
_BASE: dict[str, Any] = {
    "title": {"fr": "Titre", "en": "Title"}, "source": "given", "system": "shop_database", "role": "processor",
    "subjects": ["shopper"], "purposes": ["improve"], "legal_basis": ["contract"], "law": ["GDPR"],
}  # fmt: skip
_REGISTER: dict[str, Any] = {
    "companies": {
        "tenant": "id",
        "columns": dict.fromkeys(["id", "closed_at"], "system"),
        "retention": [{"name": "closed", "keep": "P3Y", "since": "closed_at", "clause": "SH-01"}],
    },
    "tenant_databases": {
        "tenant": "company_id",
        "key": ["company_id"],
        "columns": dict.fromkeys(
            ["company_id", "mode", "dsn_secret_ref", "last_used_at", "subscription_ended_at", "asked_at", "dropped_at"],
            "system",
        ),
        "kept_with": "companies",
        "retention": [
            {
                "name": "last_use",
                "keep": "P4M",
                "since": {"latest": ["last_used_at", "subscription_ended_at"]},
                "when": {"mode": "dedicated", "subscription_ended_at": "present", "dropped_at": "absent"},
                "sooner": {"asked": "asked_at"},
                "floor": {"keep": "P4M", "since": {"latest": ["last_used_at", "subscription_ended_at"]}},
                "action": "drop_database",
                "notices": ["P30D", "P7D", "P1D"],
                "clause": "SH-03",
            }
        ],
    },
}
_CONTENT: dict[str, Any] = {
    "orders": {
        "tenant": "company_id",
        "subject": {"shopper": "customer_id"},
        "columns": dict.fromkeys(["id", "company_id", "customer_id", "deleted_at"], "system"),
        "retention": [{"name": "deleted", "keep": "P1M", "since": "deleted_at", "clause": "SH-02"}],
    },
    "photos": {
        "tenant": {"column": "order_id", "parent": "orders"},
        "columns": dict.fromkeys(["id", "order_id"], "system"),
        "content": {"system": "media_store", "key": "id"},
        "kept_with": "orders",
    },
}
OVER = {
    "name": "subscription_over", "keep": "P4M", "since": "tenant_databases.subscription_ended_at",
    "when": {"tenant_databases.mode": "shared"},
    "notices": ["P30D", "P7D", "P1D"], "clause": "SH-02",
}  # fmt: skip


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(40), **options)


def _moments(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime) for name in names]


_SCHEMA = sa.MetaData()
COMPANIES = sa.Table("companies", _SCHEMA, _text("id", primary_key=True), *_moments("closed_at"))
REGISTER = sa.Table(
    "tenant_databases", _SCHEMA, _text("company_id", primary_key=True), _text("mode"), _text("dsn_secret_ref"),
    *_moments("last_used_at", "subscription_ended_at", "asked_at", "dropped_at"),
)  # fmt: skip
ORDERS = sa.Table(
    "orders", _SCHEMA, _text("id", primary_key=True), _text("company_id"), _text("customer_id"),
    *_moments("deleted_at"),
)  # fmt: skip
PHOTOS = sa.Table(
    "photos", _SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), _text("order_id")
)
TABLES = (COMPANIES, REGISTER, ORDERS, PHOTOS)


def facts(*, objects: tuple[Mapping[str, Any], ...] = (), over: bool = False, more: Mapping[str, Category] | None = None
          ) -> Catalog:  # fmt: skip
    """The shop's facts; with `over`, a rule that ends a shared tenant's rows is announced too."""
    content = {**_BASE, "tables": _CONTENT, **({"retention": [OVER]} if over else {})}
    found = {
        "shop/content": Category.model_validate(content),
        "shop/register": Category.model_validate({**_BASE, "tables": _REGISTER}),
        **({"shop/archives": Category.model_validate({**_BASE, "system": "exports", "objects": objects})}
           if objects else {}),
        **(more or {}),
    }  # fmt: skip
    place = {"title": {"fr": "Ici", "en": "Here"}, "place": {"country": "FR"}}
    host = Processor.model_validate(
        {
            "title": {"fr": "Hôte", "en": "Host"}, "legal_name": "Host", "role": "own", "purposes": ["improve"],
            "systems": {
                "shop_database": {"kind": "database", "setting": "genuka", "tenants": TENANTS, **place},
                "other_database": {"kind": "database", "setting": "genletter", **place},
                "control_database": {"kind": "database", "setting": "control", **place},
                "media_store": {"kind": "store", "setting": "media", **place},
                "exports": {"kind": "store", "setting": "exports", **place},
                "staging": {"kind": "folder", "setting": "home", **place},
                "run_storage": {"kind": "run_storage", "setting": "home", **place},
            },
        }
    )  # fmt: skip
    return replace(catalog(), categories=found, processors={"host": host})


@dataclass
class ShopHouse:
    """A house of the shop. `copies` are the moments of verified backups by tenant."""

    catalog: Catalog
    control: Control
    keyring: Keyring
    opened: dict[str, Databases]
    stores: dict[str, FolderStore] = field(default_factory=dict)
    copies: dict[str, datetime] = field(default_factory=dict)
    reach: dict[str, Aged] = field(default_factory=dict)

    def databases(self, system: str) -> Databases:
        return self.opened[system]

    def contents(self, system: str) -> Contents:
        return ContentsInStore(self.stores[system])

    def aged(self, system: str) -> Aged | None:
        return self.reach.get(system)

    def final_copy(self, tenant: str) -> datetime | None:
        return self.copies.get(tenant)

    # --- what tests say

    @property
    def shared(self) -> Database:
        return self.opened["shop_database"].shared

    def register(self, *rows: Mapping[str, Any]) -> None:
        """Who has which database; the companies are made with them."""
        plain = [{k: _plain(v) for k, v in {"mode": "dedicated", **row}.items()} for row in rows]
        fill(self.shared, REGISTER, plain)
        fill(self.shared, COMPANIES, [{"id": row["company_id"]} for row in rows])

    def end(self, as_of: datetime, *, dry_run: bool = False, **options: Any) -> dict[str, Ended]:
        """One run, by tenant; the last answer where there are several."""
        options.setdefault("limits", QUICK)
        found = end_databases(self, "shop_database", as_of=as_of, clock=wall, dry_run=dry_run, **options)
        return {ended.tenant: ended for ended in found}

    def step(self, tenant: str, as_of: datetime, **options: Any) -> str:
        found = self.end(as_of, **options)[tenant]
        return f"{found.step}: {found.unknown}" if found.unknown else found.step

    def sent(self) -> None:
        """The mailer sends every notice that waits."""
        for notice in self.control.notices.waiting():
            self.control.notices.sent(notice.id, now=wall())

    def outcomes(self, after: int = 0) -> list[Done]:
        return [entry.body for entry in self.control.ledger.entries(after) if isinstance(entry.body, Done)]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def ulid(moment: datetime, number: int = 1) -> str:
    """A key made at a moment."""
    digits, count = "", int(moment.timestamp() * 1000)
    for _ in range(10):
        count, digit = divmod(count, 32)
        digits = "0123456789abcdefghjkmnpqrstvwxyz"[digit] + digits
    return f"{digits}{number:016}"


def photo_key(number: int) -> str:
    return f"{number}/photo.jpg"


@contextmanager
def shop_house(
    kind: Kind, control: Control, folder: Path, facts: Catalog, *, dedicated: tuple[str, ...] = ()
) -> Iterator[ShopHouse]:
    """The house with databases of its own for the references in `dedicated`, made and filled by nobody yet."""
    with ExitStack() as stack:
        addresses = {ref: stack.enter_context(own(kind)) for ref in dedicated}
        shared = stack.enter_context(Database(stack.enter_context(fresh_database(kind)), name="shop_database"))
        databases = Databases(shared, tenants=TENANTS, url_of=addresses.__getitem__)
        stores = {"media_store": FolderStore(folder / "media", name="media", create=True, private_keys=True)}
        house = ShopHouse(facts, control, keyring(), {"shop_database": databases}, stores)
        house.reach["media_store"] = AgedObjects(stores["media_store"])
        house.reach["staging"] = AgedFiles(folder / "staging", "*.parquet")
        for table in TABLES:
            fill(shared, table, [])
        yield house
        for database in databases._opened.values():
            database.close()


@contextmanager
def own(kind: Kind) -> Iterator[sa.URL]:
    """A database that its test may drop."""
    with fresh_database(kind) as url:
        yield url
        if not is_there(url):
            server(kind).run(
                f'CREATE DATABASE "{url.database}"' if kind == "postgresql" else f"CREATE DATABASE `{url.database}`"
            )


def is_there(url: sa.URL) -> bool:
    """Whether the server has the database."""
    with Database(url, name="own") as database:
        return exists(database)


def stock(url: sa.URL, tenant: str, made: dt.datetime, orders: int = 5, first: int = 0) -> None:
    """A dedicated database with so many orders, each with a photo; these are numbered from `first`."""
    with Database(url, name="own") as database:
        rows = [{"id": ulid(made, n), "company_id": tenant, "customer_id": f"k{n}"} for n in range(orders)]
        fill(database, ORDERS, rows)
        fill(database, PHOTOS, [{"id": first + n, "order_id": ulid(made, n)} for n in range(orders)])
        _owner(database.url).dispose()
