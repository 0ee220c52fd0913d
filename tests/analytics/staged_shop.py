"""A shop with something to stage: visits and choices of browsers, orders of tenants, and keys to hash with."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from genuka_pipelines.analytics.staging.pseudonyms import Family, Pads
from genuka_pipelines.analytics.staging.result import StagedTable
from genuka_pipelines.analytics.staging.stage import stage
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.systems.database import Database
from tests.rows.shop import CONTENT, OURS, OVER, TENANTS, catalog, category, moment
from tests.systems.opened import fill

AS_OF = datetime(2026, 5, 31, 12, tzinfo=UTC)
VISITS: dict[str, Any] = {
    "columns": dict.fromkeys(
        ["id", "company_id", "ip", "agent", "at", "url", "language", "signal", "cookie"], "system"
    ),
    "retention": [{"keep": "P12M", "since": "at", "clause": "SH-01"}],
    "tenant": "company_id",
    "staging": {
        "purpose": "improve",
        "family": "browser",
        "when": {"signal": False},
        "consent": {
            "table": "choices",
            "by": {"cookie": "cookie"},
            "when": {"granted_at": "present", "withdrawn_at": "absent"},
        },
        "columns": {
            "device_day": {"device_day": ["ip", "agent"]},
            "day": {"day": "at"},
            "month": {"month": "at"},
            "host": {"host": "url"},
            "language": "language",
            "has_agent": {"present": "agent"},
        },
    },
}
CHOICES: dict[str, Any] = {
    "columns": dict.fromkeys(["id", "cookie", "granted_at", "withdrawn_at"], "system"),
    "retention": [{"keep": "P12M", "since": "granted_at", "clause": "SH-01"}],
}
ORDERS = {
    **CONTENT["orders"],
    "columns": {**CONTENT["orders"]["columns"], "amount": "system"},
    "staging": {
        "purpose": "improve",
        "columns": {"company": {"pseudonym": "company_id"}, "status": "status", "amount": "amount",
                    "deleted": {"present": "deleted_at"}},
    },
}  # fmt: skip
LINES = {
    **CONTENT["order_lines"],
    "staging": {"purpose": "improve", "columns": {"line": {"pseudonym": "id"}, "order": {"pseudonym": "order_id"}}},
}
SHOP = catalog(
    ours=category(OURS),
    browsing=category({"visits": VISITS, "choices": CHOICES}),
    content=category(
        {**CONTENT, "orders": ORDERS, "order_lines": LINES}, role="processor", opt_in="analytics", retention=[OVER]
    ),
)
_SCHEMA = sa.MetaData()
visits = sa.Table(
    "visits", _SCHEMA, sa.Column("id", sa.Integer), sa.Column("company_id", sa.CHAR(26)),
    sa.Column("ip", sa.String(45)), sa.Column("agent", sa.Text), moment("at"), sa.Column("url", sa.Text),
    sa.Column("language", sa.String(8)), sa.Column("signal", sa.Boolean), sa.Column("cookie", sa.String(40)),
)  # fmt: skip
choices = sa.Table(
    "choices", _SCHEMA, sa.Column("id", sa.Integer), sa.Column("cookie", sa.String(40)),
    moment("granted_at"), moment("withdrawn_at"),
)  # fmt: skip
orders = sa.Table(
    "orders", _SCHEMA, sa.Column("id", sa.String(26)), sa.Column("company_id", sa.CHAR(26)),
    sa.Column("customer_id", sa.String(26)), sa.Column("status", sa.String(20)), moment("deleted_at"),
    sa.Column("amount", sa.Numeric(15, 2)),
)  # fmt: skip


class Keys:
    """Keys made of their names; days in `destroyed` have none."""

    def __init__(self, destroyed: set[date] | None = None) -> None:
        self.destroyed = destroyed or set()
        self.asked: list[date] = []

    @staticmethod
    def key(family: Family, day: date | None) -> bytes:
        return hashlib.sha256(f"{family}{day}".encode()).digest()

    def pads(self, family: Family, day: date | None) -> Pads | None:
        if day:
            self.asked.append(day)
        if day in self.destroyed:
            return None
        key = self.key(family, day).ljust(64, b"\0")
        return f"{family}-{day}", bytes(b ^ 0x36 for b in key), bytes(b ^ 0x5C for b in key)


def hashed(family: Family, day: date | None, text: str) -> str:
    return hmac.new(Keys.key(family, day), text.encode(), hashlib.sha256).hexdigest()


def visit(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "ip": "198.51.100.7", "agent": "Firefox", "at": datetime(2026, 5, 30, 10),
        "language": "fr", "signal": False, "cookie": "yes", **changes,
    }  # fmt: skip


def prepare(database: Database, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Fill the shop; the cookie `yes` has agreed."""
    agreed = [{"id": 1, "cookie": "yes", "granted_at": datetime(2026, 1, 1)}]
    from tests.rows.shop import TABLES

    named = {**TABLES, "visits": visits, "choices": choices, "orders": orders}
    for name, table in named.items():
        fill(database, table, {"choices": agreed, **rows}.get(name, []))


def run_stage(database: Database, folder: Path, name: str, **options: Any) -> StagedTable:
    key = "shop/browsing" if name == "visits" else "shop/content"
    databases = options.pop("databases", None) or Databases(database, tenants=TENANTS)
    return stage(SHOP, key, name, databases, folder, keys=options.pop("keys", Keys()), as_of=AS_OF, **options)


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """Every staged row, in no order."""
    files = sorted((folder / "shop" / name).glob("*.parquet"))
    rows: list[dict[str, Any]] = pa.concat_tables([pq.read_table(file) for file in files]).to_pylist()
    return rows
