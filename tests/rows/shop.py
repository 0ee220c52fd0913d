"""A small shop platform: its facts and its tables, with every way in which a row finds its tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.processor import Tenants
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import DeclaredTable, Home, declarations
from genuka_pipelines.systems.database import Database
from tests.systems.opened import fill

AS_OF = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
TENANTS = Tenants(table="companies", registry="tenant_databases", consents="company_consents")
CONTENT: dict[str, Any] = {
    "orders": {
        "tenant": "company_id",
        "subject": {"shopper": "customer_id"},
        "columns": dict.fromkeys(["id", "company_id", "customer_id", "status", "deleted_at"], "system"),
        "retention": [{"name": "deleted", "keep": "P1M", "since": "deleted_at", "clause": "SH-02"}],
    },
    "order_lines": {
        "tenant": {"column": "order_id", "parent": "orders"},
        "columns": dict.fromkeys(["id", "order_id"], "system"),
        "kept_with": "orders",
    },
    "media": {
        "tenant": {
            "column": "model_id",
            "kind": "model_type",
            "owners": {"App\\Models\\Order": "orders", "App\\Models\\OrderLine": "order_lines", "order": "orders"},
        },
        "columns": dict.fromkeys(["id", "model_type", "model_id"], "system"),
    },
}
LAW = {"since": {"latest": ["invoices.issued_at"]}, "minimum": {"CM": "P10Y", "FR": "P5Y"}, "basis": "Law 1"}
OURS: dict[str, Any] = {
    "companies": {
        "tenant": "id",
        "columns": dict.fromkeys(["id", "country", "created_at"], "system"),
        "retention": [
            {
                "name": "former",
                "keep": "P3Y",
                "since": "tenant_databases.subscription_ended_at",
                "law": {**LAW, "country": "country"},
                "clause": "SH-01",
            }
        ],
    },
    "invoices": {
        "tenant": "company_id",
        "columns": dict.fromkeys(["id", "company_id", "issued_at"], "system"),
        "retention": [{"keep": "P10Y", "since": "issued_at", "clause": "SH-01"}],
    },
    "tenant_databases": {
        "tenant": "company_id",
        "key": ["company_id"],
        "columns": dict.fromkeys(
            ["company_id", "mode", "dsn_secret_ref", "last_used_at", "subscription_ended_at", "asked_at"], "system"
        ),
        "retention": [
            {
                "name": "last_use",
                "keep": "P4M",
                "since": {"latest": ["last_used_at", "subscription_ended_at"]},
                "when": {"mode": "Dedicated", "subscription_ended_at": "present"},
                "sooner": {"asked": "asked_at"},
                "floor": {"keep": "P4M", "since": "last_used_at"},
                "action": "drop_database",
                "clause": "SH-03",
            }
        ],
    },
    "company_consents": {
        "tenant": "company_id",
        "columns": dict.fromkeys(["id", "company_id", "purpose", "granted_at", "withdrawn_at"], "system"),
        "kept_with": "companies",
    },
}
_BASE: dict[str, Any] = {
    "title": {"fr": "Titre", "en": "Title"},
    "source": "given",
    "system": "shop_database",
    "subjects": ["shopper"],
    "purposes": ["improve"],
    "legal_basis": ["contract"],
    "law": ["GDPR"],
}
OVER = {
    "name": "subscription_over",
    "keep": "P4M",
    "since": "tenant_databases.subscription_ended_at",
    "floor": {"keep": "P4M", "since": "tenant_databases.last_used_at"},
    "clause": "SH-02",
}


def _ulid(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.CHAR(26), **options)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.String(26))


def moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime)


SCHEMA = sa.MetaData()
TABLES = {
    table.name: table
    for table in (
        sa.Table("companies", SCHEMA, _id(), sa.Column("country", sa.String(2)), moment("created_at")),
        sa.Table("invoices", SCHEMA, sa.Column("id", sa.Integer), _ulid("company_id"), moment("issued_at")),
        sa.Table(
            "tenant_databases", SCHEMA, _ulid("company_id"), sa.Column("mode", sa.String(20)),
            sa.Column("dsn_secret_ref", sa.String(64)),
            moment("last_used_at"), moment("subscription_ended_at"), moment("asked_at"),
        ),
        sa.Table(
            "company_consents", SCHEMA, sa.Column("id", sa.Integer), _ulid("company_id"),
            sa.Column("purpose", sa.String(20)), moment("granted_at"), moment("withdrawn_at"),
        ),
        sa.Table(
            "orders", SCHEMA, _id(), _ulid("company_id"), _ulid("customer_id"),
            sa.Column("status", sa.String(20)), moment("deleted_at"),
        ),
        sa.Table("order_lines", SCHEMA, sa.Column("id", sa.Integer), _ulid("order_id")),
        sa.Table(
            "media", SCHEMA, sa.Column("id", sa.Integer), sa.Column("model_type", sa.String(60)),
            sa.Column("model_id", sa.String(40)),
        ),
    )
}  # fmt: skip
CONTENT_TABLES = tuple(CONTENT)


def category(tables: Mapping[str, Any], **changes: Any) -> Category:
    return Category.model_validate({**_BASE, "role": "controller", **changes, "tables": tables})


def catalog(**categories: Category) -> Catalog:
    nothing: dict[str, Any] = {}
    return Catalog(
        root=Path(),
        vocabulary=Vocabulary(purposes={}, subjects={}, classifications={}, events={}),
        policies=nothing,
        planned=nothing,
        processors=nothing,
        categories={f"shop/{name}": found for name, found in categories.items()},
        procedures=nothing,
        questions=nothing,
        ledgers=nothing,
    )


SHOP = catalog(
    ours=category(OURS),
    content=category(CONTENT, role="processor", opt_in="analytics", retention=[OVER]),
)


def bound(database: Database, name: str, facts: Catalog = SHOP) -> DeclaredTable:
    """A declared table of the shared database."""
    return Home(database, declarations(facts, "shop_database"), TENANTS).table(name)


def stock(database: Database, rows: Mapping[str, Sequence[Mapping[str, Any]]], only: Sequence[str] = ()) -> None:
    """Fill every table of the shop, with nothing where nothing is given."""
    for name, table in TABLES.items():
        if not only or name in only:
            fill(database, table, rows.get(name, []))


def opened(database: Database, dedicated: Mapping[str, sa.URL] | None = None) -> Databases:
    """The shop's databases; `dedicated` maps references to addresses."""
    return Databases(database, tenants=TENANTS, url_of=dict(dedicated or {}).__getitem__)


def plain(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    """A moment in UTC as Laravel writes it: without a zone."""
    return datetime(year, month, day, hour)
