"""A market with every kind of dependence between rows, and a model that says, row by row, what must become of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.rows.selection import Hold, OfPerson, OfTenant, Rows
from genuka_pipelines.systems.database import Database
from tests.rows.shop import AS_OF, catalog, category
from tests.systems.opened import fill

CLAUSE = {"clause": "SH-01"}
LONG_AGO = dt.datetime(2010, 1, 1)
OLD, NEW = dt.datetime(2026, 1, 1), dt.datetime(2026, 5, 30)
SCHEMA = sa.MetaData()


def _text(name: str, length: int = 60, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), **options)


CUSTOMERS = sa.Table(
    "customers", SCHEMA, _text("id", 26, primary_key=True), _text("company_id", 26), _text("name"),
    _text("email", 60, nullable=False), _text("handle", 40, unique=True), sa.Column("profile", sa.JSON),
    sa.Column("deleted_at", sa.DateTime), sa.Column("billed_at", sa.DateTime),
)  # fmt: skip
ORDERS = sa.Table(
    "orders", SCHEMA, _text("id", 26, primary_key=True), _text("company_id", 26), _text("customer_id", 26),
    _text("note"), sa.Column("deleted_at", sa.DateTime),
)  # fmt: skip
LINES = sa.Table(
    "order_lines", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), _text("order_id", 26),
    sa.Column("expires_at", sa.DateTime),
)  # fmt: skip
FILES = sa.Table(
    "files", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), _text("model_type"),
    _text("model_id", 26), sa.Column("added_at", sa.DateTime),
)  # fmt: skip
TAGS = sa.Table(
    "order_tag", SCHEMA, _text("order_id", 26, primary_key=True),
    sa.Column("tag_id", sa.Integer, primary_key=True, autoincrement=False),
)  # fmt: skip
TABLES = (CUSTOMERS, ORDERS, LINES, FILES, TAGS)
OWNERS = {"App\\Models\\Order": "orders", "App\\Models\\Customer": "customers"}


def market(*, orders_become: str = "anonymise", meanwhile: str = "anonymise") -> Catalog:
    """Its facts."""
    tables: dict[str, Any] = {
        "customers": {
            "tenant": "company_id",
            "subject": {"shopper": "id"},
            "columns": {
                "id": "user.unique_id", "company_id": "tenant", "name": "user.name", "email": "user.contact.email",
                "handle": {"holds": "user.account.username", "anonymised": "opaque"}, "profile": "user.content",
                "deleted_at": "system", "billed_at": "system",
            },
            "retention": [
                {"name": "closed", "keep": "P1M", "since": "deleted_at", **CLAUSE,
                 "law": {"since": "billed_at", "minimum": {"FR": "P10Y"}, "meanwhile": meanwhile, "basis": "Law 1"}},
            ],
        },
        "orders": {
            "tenant": "company_id",
            "columns": {"id": "system", "company_id": "tenant", "customer_id": "user.unique_id",
                        "note": "user.content", "deleted_at": "system"},
            "ends_with": {"customer_id": orders_become},
            "retention": [{"name": "deleted", "keep": "P1M", "since": "deleted_at", **CLAUSE}],
        },
        "order_lines": {
            "tenant": {"column": "order_id", "parent": "orders"},
            "columns": dict.fromkeys(["id", "order_id", "expires_at"], "system"),
            "kept_with": "orders",
            "retention": [{"name": "expired", "keep": "P1D", "since": "expires_at", **CLAUSE}],
        },
        "files": {
            "tenant": {"column": "model_id", "kind": "model_type", "owners": OWNERS},
            "columns": dict.fromkeys(["id", "model_type", "model_id", "added_at"], "system"),
            "ends_with": {"model_id": "delete"},
            "retention": [{"name": "old", "keep": "P3Y", "since": "added_at", **CLAUSE}],
        },
        "order_tag": {
            "tenant": {"column": "order_id", "parent": "orders"},
            "key": ["order_id", "tag_id"],
            "columns": dict.fromkeys(["order_id", "tag_id"], "system"),
            "kept_with": "orders",
        },
    }  # fmt: skip
    return catalog(market=category(tables))


Key = tuple[str, tuple[str, ...]]


@dataclass
class Population:
    """Random rows and holds, and what must become of each by the words of the rules."""

    chance: random.Random
    orders_become: str
    meanwhile: str
    size: int = 30
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)

    def __post_init__(self) -> None:
        pick = self.chance.choice
        customers = [f"c{number:03}" for number in range(self.size)]
        orders = [f"o{number:03}" for number in range(2 * self.size)]
        # PostgreSQL and MariaDB both quote what a name may hold.
        names = ["Zoé", "O'Neil", 'a"b', "x,y\\z", "日本"]
        self.rows = {
            "customers": [
                {"id": one, "company_id": pick("abc"), "name": pick([None, *names]), "email": f"{one}@example.org",
                 "handle": pick([None, f"h{one}"]), "profile": pick([None, {"city": "Douala"}]),
                 "deleted_at": pick([None, OLD, OLD, NEW]), "billed_at": pick([LONG_AGO, LONG_AGO, OLD, None])}
                for one in customers
            ],
            "orders": [
                {"id": one, "company_id": pick("abc"), "customer_id": pick([None, "left", *customers]),
                 "note": pick([None, *names]), "deleted_at": pick([None, None, OLD, NEW])}
                for one in orders
            ],
            "order_lines": [
                {"id": number, "order_id": pick([*orders, "lost"]), "expires_at": pick([None, NEW, OLD])}
                for number in range(3 * self.size)
            ],
            "files": [
                {"id": number, "model_type": pick([*OWNERS, "order", "Else"]), "model_id": pick([*orders, *customers]),
                 "added_at": pick([None, OLD, dt.datetime(2020, 1, 1)])}
                for number in range(2 * self.size)
            ],
            "order_tag": [
                {"order_id": one, "tag_id": tag} for one in orders for tag in range(3) if self.chance.random() < 0.4
            ],
        }  # fmt: skip
        kinds = [
            Hold("row", Rows("order_lines", frozenset({(str(number),) for number in (3, 7)}))),
            Hold("order", Rows("orders", frozenset({(pick(orders),)}))),
            Hold("tag", Rows("order_tag", frozenset({tuple(str(v) for v in pick(self.rows["order_tag"]).values())}))),
            Hold("person", OfPerson({"shopper": (pick(customers),)})),
            Hold("tenant", OfTenant("c")),
        ]
        self.holds = [hold for hold in kinds if self.chance.random() < 0.5]

    def fill(self, database: Database) -> None:
        for table in TABLES:
            fill(database, table, self.rows[table.name])

    # --- the model

    def above(self, table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        def named(other: str, key: Any, becomes: str) -> Iterator[tuple[str, dict[str, Any], str]]:
            yield from ((other, found, becomes) for found in self.rows[other] if found["id"] == key)

        if table == "orders":
            yield from named("customers", row["customer_id"], self.orders_become)
        elif table in ("order_lines", "order_tag"):
            yield from named("orders", row["order_id"], "kept_with")
        elif table == "files":
            owner = {"order": "orders", **OWNERS}.get(row["model_type"])
            if owner:
                yield from named(owner, row["model_id"], "delete")

    def below(self, table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        for other, rows in self.rows.items():
            for found in rows:
                for owner, up, becomes in self.above(other, found):
                    if owner == table and up is row:
                        yield other, found, becomes

    def held(self, table: str, row: Mapping[str, Any]) -> bool:
        return any(self._covers(hold, table, row) for hold in self.holds) or any(
            self.held(other, up) for other, up, _ in self.above(table, row)
        )

    def _covers(self, hold: Hold, table: str, row: Mapping[str, Any]) -> bool:
        match hold.selection:
            case Rows(table=name, keys=keys):
                key = tuple(str(row[k]) for k in (["order_id", "tag_id"] if name == "order_tag" else ["id"])
                            if k in row)  # fmt: skip
                return name == table and key in keys
            case OfPerson(keys=people):
                return table == "customers" and row["id"] in people["shopper"]
            case _:
                return self._tenant(table, row) == "c"

    def _tenant(self, table: str, row: Mapping[str, Any]) -> str | None:
        if "company_id" in row:
            return str(row["company_id"])
        return next((self._tenant(other, up) for other, up, _ in self.above(table, row)), None)

    def law(self, table: str, row: Mapping[str, Any], meanwhile: str | None = None) -> bool:
        own = table == "customers" and row["billed_at"] != LONG_AGO and meanwhile in (None, self.meanwhile)
        return own or any(
            self.law(other, up, meanwhile) for other, up, becomes in self.above(table, row) if becomes != "anonymise"
        )

    def ends(self, table: str, row: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        """(verb, law beyond says keep) of each ending whose period is over."""
        column, period = {
            "customers": ("deleted_at", 31), "orders": ("deleted_at", 31), "order_lines": ("expires_at", 1),
            "files": ("added_at", 3 * 366), "order_tag": (None, 0),
        }[table]  # fmt: skip
        moment = row[column] if column else None
        if moment is not None and moment + dt.timedelta(days=period) <= AS_OF.replace(tzinfo=None):
            yield "delete", False
        if self.orphan(table, row):
            yield "delete", False
        for other, up, becomes in self.above(table, row):
            for verb, beyond in self.ends(other, up):
                if becomes == "kept_with":
                    yield verb, beyond or (verb == "anonymise" and self.law(other, up, "keep"))
                elif becomes == "anonymise":
                    yield "anonymise", self.law(other, up, "keep")
                else:
                    yield "delete", False

    def orphan(self, table: str, row: Mapping[str, Any]) -> bool:
        """It goes with a row that is no more."""
        names = row["order_id"] if table in ("order_lines", "order_tag") else None
        if table == "files" and row["model_type"] in ("order", *OWNERS):
            names = row["model_id"]
        if table == "orders" and self.orders_become == "delete":
            names = row["customer_id"]
        return names is not None and not any(self.above(table, row))

    def kept_below(self, table: str, row: Mapping[str, Any]) -> bool:
        for other, down, becomes in self.below(table, row):
            if becomes == "anonymise":
                if (self.held(other, down) or self.law(other, down, "keep")) and not self.blank(other, down):
                    return True
            elif self.held(other, down) or self.law(other, down) or self.kept_below(other, down):
                return True
        return False

    def blank(self, table: str, row: Mapping[str, Any]) -> bool:
        if table == "orders":
            link = None if self.orders_become == "delete" else row["customer_id"]
            return link is None and row["note"] is None
        return table != "customers"

    def becomes(self, table: str, row: Mapping[str, Any]) -> str:
        """`deleted`, `anonymised` or `kept`."""
        if self.held(table, row):
            return "kept"
        ends = list(self.ends(table, row))
        deletes = any(verb == "delete" for verb, _ in ends)
        strict, law = self.law(table, row, "keep"), self.law(table, row)
        if deletes and not law and not self.kept_below(table, row):
            return "deleted"
        scrubs = any(verb == "anonymise" and not beyond for verb, beyond in ends)
        if not strict and not self.blank(table, row) and (scrubs or (deletes and law)):
            return "anonymised"
        return "kept"
