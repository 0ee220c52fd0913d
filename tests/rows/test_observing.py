"""What is observed and planned adds up over all databases, and what cannot be seen is unknown, never zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.errors import NotATenantOfOurs
from genuka_pipelines.rows.observe import observe
from genuka_pipelines.rows.selection import Due, Hold, OfTenant
from genuka_pipelines.rows.tenants import Tenant
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable, MissingTable
from tests.rows.shop import AS_OF, CONTENT_TABLES, SHOP, TENANTS, plain, stock
from tests.systems import opened
from tests.systems.opened import run

SHARED: dict[str, list[dict[str, Any]]] = {
    "companies": [{"id": "a", "created_at": plain(2020, 2, 2)}, {"id": "own"}, {"id": "late"}],
    "tenant_databases": [
        {"company_id": "a", "mode": "shared", "subscription_ended_at": plain(2022), "last_used_at": plain(2022)},
        {"company_id": "own", "mode": "Dedicated", "dsn_secret_ref": "own",
         "subscription_ended_at": plain(2025), "last_used_at": plain(2025)},
    ],
    "orders": [{"id": "o1", "company_id": "a"}, {"id": "o2", "company_id": "late", "deleted_at": plain(2026)}],
    "order_lines": [{"id": 1, "order_id": "o1"}],
}  # fmt: skip
OWN: dict[str, list[dict[str, Any]]] = {
    "orders": [{"id": "p1", "company_id": "own"}, {"id": "p2", "company_id": "own", "deleted_at": plain(2026)}],
    "order_lines": [{"id": 7, "order_id": "p1"}, {"id": 8, "order_id": "p2"}],
}


@pytest.fixture(scope="module")
def both(database: Database) -> Iterator[tuple[Databases, Database]]:
    kind: Any = {"postgresql": "postgresql", "mysql": "mariadb"}[database.dialect.name]
    with opened.opened(kind) as own:
        stock(database, SHARED)
        stock(own, OWN, only=CONTENT_TABLES)
        yield Databases(database, tenants=TENANTS, url_of={"own": own.url}.__getitem__), own


def test_counts_add_up_over_shared_and_dedicated_databases(both: tuple[Databases, Database]) -> None:
    seen = observe(SHOP, "shop/content", both[0], AS_OF)
    assert seen.rows == {"orders": 4, "order_lines": 3, "media": 0}
    assert seen.due["orders.deleted"] == 2
    # the dedicated database has no register: it asks the shared one when its tenant's subscription ended
    assert seen.due["orders.subscription_over"] == 1 + 2
    assert seen.due["order_lines.subscription_over"] == 1 + 2
    assert seen.due["order_lines.orders.deleted"] == 1
    assert seen.undated["orders.deleted"] == 2
    assert seen.oldest is None, "content held for tenants is observed by counts alone"
    assert (seen.undeclared, seen.unknown) == ((), ())
    assert seen.columns["orders"]["company_id"] in ("character(26)", "char(26)")
    ours = observe(SHOP, "shop/ours", both[0], AS_OF)
    assert str(ours.oldest) == "2020-02-02"
    assert ours.rows["companies"] == 3


def test_a_plan_says_the_same_and_changes_its_digest_with_any_number(both: tuple[Databases, Database]) -> None:
    databases, _ = both
    made = plan(Due(None, AS_OF), SHOP, databases, as_of=AS_OF, categories=["shop/content"])
    assert made.complete
    totals: dict[str, int] = {}
    for line in made.lines:
        totals[f"{line.table}.{line.rule}"] = totals.get(f"{line.table}.{line.rule}", 0) + (line.due or 0)
    assert totals == observe(SHOP, "shop/content", databases, AS_OF).due
    (deleted,) = [line for line in made.lines if line.rule == "deleted" and line.database == "own"]
    assert deleted.oldest == datetime(2026, 1, 1, tzinfo=UTC)
    assert (deleted.clause, deleted.erasable) == ("SH-02", 1)
    assert made.digest == plan(Due(None, AS_OF), SHOP, databases, as_of=AS_OF, categories=["shop/content"]).digest
    assert made.digest != replace(made, lines=(replace(deleted, due=9), *made.lines[1:])).digest
    holds = [Hold("h", OfTenant("own"))]
    kept = plan(Due(None, AS_OF), SHOP, databases, as_of=AS_OF, holds=holds, categories=["shop/content"])
    assert {line.erasable for line in kept.lines if line.database == "own"} == {0}


def test_a_plan_for_a_tenant_counts_its_rows_everywhere(both: tuple[Databases, Database]) -> None:
    for tenant, rows in (("a", 2 + 2), ("own", 4 + 2), ("nobody", 0)):
        made = plan(OfTenant(tenant), SHOP, both[0], as_of=AS_OF)
        assert sum(line.due or 0 for line in made.lines) == rows, tenant


def test_an_oldest_date_behind_another_table_is_found(both: tuple[Databases, Database]) -> None:
    made = plan(Due(None, AS_OF), SHOP, both[0], as_of=AS_OF, categories=["shop/content"])
    oldest = {(line.table, line.database): line.oldest for line in made.lines if line.rule == "subscription_over"}
    assert oldest["order_lines", None] == datetime(2022, 1, 1, tzinfo=UTC)
    assert oldest["order_lines", "own"] == datetime(2025, 1, 1, tzinfo=UTC)
    assert oldest["media", None] is None


def test_a_database_that_cannot_be_opened_makes_its_counts_unknown(both: tuple[Databases, Database]) -> None:
    databases, own = both
    nowhere = Databases(databases.shared, tenants=TENANTS, url_of=lambda _: own.url.set(database="no_such_database"))
    seen = observe(SHOP, "shop/content", nowhere, AS_OF)
    assert set(seen.rows.values()) == {None}
    assert set(seen.due.values()) == {None}
    assert all("no database" in why for why in seen.unknown)
    assert observe(SHOP, "shop/ours", nowhere, AS_OF).unknown == ()
    assert not plan(Due(None, AS_OF), SHOP, nowhere, as_of=AS_OF).complete
    with pytest.raises(DatabaseUnreachable):
        list(nowhere.homes(SHOP, AS_OF).within("orders", opted_in=None))
    without = Databases(databases.shared, tenants=TENANTS)
    assert "reference" in observe(SHOP, "shop/content", without, AS_OF).unknown[0]


def test_a_missing_table_is_unknown_and_the_others_are_counted(both: tuple[Databases, Database]) -> None:
    databases, own = both
    run(own, "DROP TABLE media")
    seen = observe(SHOP, "shop/content", databases, AS_OF)
    assert seen.rows == {"orders": 4, "order_lines": 3, "media": None}
    assert "no table 'media'" in seen.unknown[0]
    with pytest.raises(MissingTable):
        list(databases.homes(SHOP, AS_OF).within("media", opted_in=None))
    stock(own, {}, only=("media",))


def test_a_column_that_nobody_declared_or_whose_type_changed_is_told(both: tuple[Databases, Database]) -> None:
    databases, own = both
    before = observe(SHOP, "shop/content", databases, AS_OF).columns
    run(own, "ALTER TABLE orders ADD nickname varchar(20)")
    changed = {"postgresql": "ALTER COLUMN deleted_at TYPE text", "mysql": "MODIFY deleted_at text"}
    run(own, f"ALTER TABLE orders {changed[own.dialect.name]}")
    seen = observe(SHOP, "shop/content", databases, AS_OF)
    assert seen.undeclared == ("orders.nickname",)
    assert seen.columns != before
    assert seen.due["orders.deleted"] is None
    assert any("'deleted_at' of 'orders' holds text" in why for why in seen.unknown)
    assert seen.rows["orders"] == 4
    run(own, "DROP TABLE orders")
    stock(own, OWN, only=("orders",))


def test_the_register_of_tenants_is_read_as_of_a_moment(both: tuple[Databases, Database]) -> None:
    databases, _ = both
    consents = [
        {"id": 1, "company_id": "a", "purpose": "analytics", "granted_at": plain(2025), "withdrawn_at": plain(2026)}
    ]
    stock(databases.shared, {"company_consents": consents}, only=("company_consents",))
    now, before = databases.tenants(AS_OF), databases.tenants(datetime(2025, 6, 1, tzinfo=UTC))
    assert {tenant.strip() for tenant in now} == {"a", "own", "late"}
    assert before["a"] == Tenant("a", "shared", None, frozenset({"analytics"}))
    assert now["a"].agreed == frozenset()
    assert (now["own"].mode, now["own"].ref) == ("dedicated", "own")
    run(databases.shared, "UPDATE tenant_databases SET mode = 'both' WHERE company_id = 'a'")
    with pytest.raises(NotATenantOfOurs, match="'mode' of 'tenant_databases'"):
        databases.tenants(AS_OF)
    run(databases.shared, "UPDATE tenant_databases SET mode = 'shared' WHERE company_id = 'a'")
