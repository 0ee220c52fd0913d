"""One sweep over a shared database and tenants' own: dates, holds, limits and recovery reach all of them alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import Control, Planned
from genuka_pipelines.control.bodies import Done
from genuka_pipelines.control.scopes import CategoryScope, RowScope, Scope, TenantScope
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits, Line, Outcome
from genuka_pipelines.rows.destroying.evidence import Hasher, Meant
from genuka_pipelines.rows.selection import OfTenant
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, control, keyring, wall
from tests.rows.shop import AS_OF, CONTENT_TABLES, SHOP, TABLES, TENANTS, plain, stock
from tests.systems.opened import KINDS, fill
from tests.systems.opened import opened as database_of

__all__ = ["control"]
ENDED = {"subscription_ended_at": plain(2025), "last_used_at": plain(2025)}


@dataclass
class Platform:
    """A shared database and those of the tenants `a` and `b`; `c` and `d` are in the shared one."""

    shared: Database
    own: Mapping[str, Database]
    house: SmallHouse
    refs: dict[str, sa.URL]

    def stock(self, rows: Mapping[str, Sequence[tuple[str, Any]]], register: Mapping[str, Mapping[str, Any]]) -> None:
        """Orders `(id, deleted_at)` by tenant, each with one line; what the register says of each tenant."""
        databases = [
            {"company_id": tenant, "mode": "dedicated" if tenant in self.own else "shared",
             "dsn_secret_ref": tenant if tenant in self.own else None, **register.get(tenant, {})}
            for tenant in "abcd"
        ]  # fmt: skip
        there = {"companies": [{"id": tenant} for tenant in "abcd"], "tenant_databases": databases}
        for tenant, database in ((None, self.shared), *self.own.items()):
            orders = [
                {"id": one, "company_id": owner, "deleted_at": deleted}
                for owner, found in rows.items()
                if (owner if owner in self.own else None) == tenant
                for one, deleted in found
            ]
            lines = [{"id": number, "order_id": order["id"]} for number, order in enumerate(orders)]
            own = {"orders": orders, "order_lines": lines}
            stock(database, {**there, **own} if tenant is None else own,
                  only=() if tenant is None else CONTENT_TABLES)  # fmt: skip

    def orders(self) -> dict[str | None, set[str]]:
        return {
            tenant: {row[0] for row in database.rows(sa.select(database.table("orders").c.id))}
            for tenant, database in ((None, self.shared), *self.own.items())
        }

    def hold(self, scope: Scope) -> str:
        return self.house.control.holds.add(
            scope, kind="hold", reason="court_order", reference="case-4", author="staff-4", now=wall(), keys=keyring()
        ).id  # fmt: skip

    def release(self, *holds: str) -> None:
        for hold in holds:
            self.house.control.holds.release(hold, by="staff-4", now=wall())


@pytest.fixture(params=KINDS, scope="module")
def platform(request: pytest.FixtureRequest, control: Control) -> Iterator[Platform]:
    with ExitStack() as stack:
        shared, *own = (stack.enter_context(database_of(request.param)) for _ in range(3))
        refs = {tenant: database.url for tenant, database in zip("ab", own, strict=True)}
        databases = Databases(shared, tenants=TENANTS, url_of=refs.__getitem__)
        stack.callback(lambda: [one.close() for one in databases._opened.values()])
        for name in ("companies", "tenant_databases", "company_consents", "invoices"):
            fill(shared, TABLES[name], [])
        house = SmallHouse(SHOP, control, keyring(), databases)
        yield Platform(shared, dict(zip("ab", own, strict=True)), house, refs)


def of(outcome: Outcome, table: str, rule: str) -> dict[str | None, Line]:
    return {line.database: line for line in outcome.lines if (line.table, line.rule) == (table, rule)}


def done(control: Control, after: int) -> Counter[str]:
    bodies = [entry.body for entry in control.ledger.entries(after)]
    return Counter({table: sum(body.count for body in bodies if isinstance(body, Done) and body.table == table)
                    for table in CONTENT_TABLES})  # fmt: skip


TWO = {tenant: [(f"{tenant}1", plain(2026, 1)), (f"{tenant}2", None)] for tenant in "abcd"}


def test_dates_of_the_shared_register_end_rows_of_a_dedicated_database(platform: Platform) -> None:
    platform.stock(TWO, {"a": ENDED, "c": ENDED, "d": {**ENDED, "last_used_at": plain(2026, 5)}})
    start = platform.house.control.ledger.head().seq
    outcome = platform.house.apply()
    assert (outcome.complete, outcome.survivors) == (True, 0)
    assert platform.orders() == {None: {"d2"}, "a": set(), "b": {"b2"}}
    found = {rule: of(outcome, "orders", rule) for rule in ("deleted", "subscription_over")}
    assert {tenant: line.deleted for tenant, line in found["deleted"].items()} == {None: 2, "a": 1, "b": 1}
    assert {tenant: line.deleted for tenant, line in found["subscription_over"].items()} == {None: 1, "a": 1, "b": 0}
    assert done(platform.house.control, start) == {"orders": 6, "order_lines": 6, "media": 0}


def test_holds_reach_every_database_they_speak_of(platform: Platform) -> None:
    everybody = dict.fromkeys("abcd", ENDED)
    scopes: list[tuple[Scope, dict[str | None, set[str]]]] = [
        (TenantScope("a"), {None: set(), "a": {"a1", "a2"}, "b": set()}),
        (TenantScope("c"), {None: {"c1", "c2"}, "a": set(), "b": set()}),
        (RowScope("orders", ("b2",), "shop_database"), {None: set(), "a": set(), "b": {"b2"}}),
        (CategoryScope("shop/content"), {None: {"c1", "c2", "d1", "d2"}, "a": {"a1", "a2"}, "b": {"b1", "b2"}}),
    ]
    for scope, left in scopes:
        platform.stock(TWO, everybody)
        hold = platform.hold(scope)
        outcome = platform.house.apply()
        assert (outcome.complete, outcome.survivors, platform.orders()) == (True, 0, left), scope
        held = {tenant: line.held for tenant, line in of(outcome, "orders", "subscription_over").items()}
        assert held == {tenant: len(orders) for tenant, orders in left.items()}
        platform.release(hold)
    assert platform.house.apply().survivors == 0
    assert not any(platform.orders().values()), "lifted, it keeps nothing any more"


def test_a_limit_is_shared_among_tenants_wherever_they_are(platform: Platform) -> None:
    sizes = {"a": 200, "b": 15, "c": 5, "d": 100}
    many = {tenant: [(f"{tenant}{n}", plain(2026, 1)) for n in range(size)] for tenant, size in sizes.items()}
    platform.stock(many, {})
    outcome = platform.house.apply(limits=Limits(rows=160, first=20))
    lines = of(outcome, "order_lines", "orders.deleted")
    # All that b (30) and c (10) want, and what is left (120) evenly to a and d; lines go before their orders.
    assert {tenant: line.deleted for tenant, line in lines.items()} == {None: 5 + 60, "a": 60, "b": 15}
    assert {tenant: line.deleted for tenant, line in of(outcome, "orders", "deleted").items()} == {None: 5, "a": 0,
                                                                                                   "b": 15}  # fmt: skip
    assert (outcome.deleted, outcome.capped, outcome.survivors) == (160, 640 - 160, 640 - 160)
    assert platform.house.apply().survivors == 0
    assert not any(platform.orders().values())


def test_a_database_that_cannot_be_opened_is_unknown_and_the_rest_is_swept(platform: Platform) -> None:
    platform.stock(TWO, dict.fromkeys("abcd", ENDED))
    right, opened = platform.refs["b"], platform.house.opened._opened
    opened.pop("b", None)
    platform.refs["b"] = right.set(database="nowhere")
    try:
        outcome = platform.house.apply()
    finally:
        platform.refs["b"] = right
        opened.pop("b", None)
    assert not outcome.complete
    lost = [line for line in outcome.lines if line.unknown]
    assert {(line.database, line.table) for line in lost} == {("b", name) for name in CONTENT_TABLES}
    assert all(line.deleted == 0 and line.survivors is None for line in lost)
    assert platform.orders() == {None: set(), "a": set(), "b": {"b1", "b2"}}
    assert platform.house.apply().complete
    assert not any(platform.orders().values())


def test_an_intention_left_open_in_a_dedicated_database_is_finished_there(platform: Platform) -> None:
    platform.stock(TWO, dict.fromkeys("abcd", ENDED))
    control, start = platform.house.control, platform.house.control.ledger.head().seq
    keys = (("a1",), ("a2",))
    meaning = Meant("shop_database", "orders", "a", "delete", "tenant", keys)
    root = Hasher(keyring()).root("orders", keys)
    planned = Planned(rule="shop/content/orders.deleted", table="orders", count=2, root=root, verb="delete")
    control.ledger.intend(planned, as_of=AS_OF, now=wall(), sealed=meaning.sealed(keyring()))
    database = platform.own["a"]
    with database.writing() as connection:
        for name, column in (("order_lines", "order_id"), ("orders", "id")):
            table: Any = database.table(name)
            connection.execute(sa.delete(table).where(table.c[column] == "a1"))
    right = platform.refs["a"]
    platform.house.opened._opened.pop("a", None)
    platform.refs["a"] = right.set(database="nowhere")
    first = platform.house.apply()
    platform.refs["a"] = right
    platform.house.opened._opened.pop("a", None)
    assert len(control.ledger.open_intents()) == 1, "nobody could look"
    assert {line.database for line in first.lines if line.unknown} >= {"a"}
    assert platform.house.apply().complete
    assert control.ledger.open_intents() == ()
    assert done(control, start)["orders"] == 8, "each row in one outcome, and only in one"
    listed = list(control.erasures.since(plain(2026).replace(tzinfo=AS_OF.tzinfo)))
    assert [(one.table, one.database) for one in listed if one.origin == "tenant"] == [("orders", "a")]


def test_the_end_of_one_tenant_ends_its_own_database_and_no_others(platform: Platform) -> None:
    platform.stock(TWO, {})
    outcome = platform.house.apply(OfTenant("b"))
    assert (outcome.complete, outcome.survivors) == (True, 0)
    assert platform.orders() == {None: {"c1", "c2", "d1", "d2"}, "a": {"a1", "a2"}, "b": set()}
