"""Every row finds its tenant: by column, through its parent, through an owner in either spelling."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import Home, declarations
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.rows.selection import Everything, Listed, OfPerson, OfTenant, OfTenants, Selection
from genuka_pipelines.rows.where import row_text, where
from genuka_pipelines.systems.database import Database
from tests.rows.shop import AS_OF, CONTENT_TABLES, SHOP, TENANTS, bound, plain, stock
from tests.systems.test_keyed_hash import PADS, _python

ROWS: dict[str, list[dict[str, Any]]] = {
    "orders": [
        {"id": "o1", "company_id": "a", "customer_id": "ann"},
        {"id": "o2", "company_id": "b", "customer_id": "ben"},
        {"id": "o3", "company_id": None, "customer_id": "ann"},
        {"id": "o'4", "company_id": "c\\'%s", "customer_id": None},
    ],
    "order_lines": [
        {"id": 1, "order_id": "o1"}, {"id": 2, "order_id": "o1"}, {"id": 3, "order_id": "o2"},
        {"id": 4, "order_id": "o3"}, {"id": 5, "order_id": "gone"}, {"id": 6, "order_id": None},
    ],
    "media": [
        {"id": 1, "model_type": "App\\Models\\Order", "model_id": "o1"},
        {"id": 2, "model_type": "order", "model_id": "o2"},
        {"id": 3, "model_type": "App\\Models\\OrderLine", "model_id": "1"},
        {"id": 4, "model_type": "order_line", "model_id": "3"},
        {"id": 5, "model_type": "App\\Models\\Product", "model_id": "o1"},
        {"id": 6, "model_type": "App\\Models\\Order", "model_id": "gone"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(database: Database) -> Database:
    stock(database, ROWS)
    return database


def chosen(database: Database, name: str, selection: Selection) -> set[Any]:
    table = bound(database, name)
    return {key for (key,) in database.rows(sa.select(table.column("id")).where(where(selection, table)))}


@pytest.mark.parametrize(
    ("name", "tenants", "orphans", "found"),
    [
        ("orders", {"a"}, False, {"o1"}),
        ("orders", {"a", "c\\'%s"}, False, {"o1", "o'4"}),
        ("orders", {"b"}, True, {"o2", "o3"}),
        ("orders", set(), False, set()),
        ("order_lines", {"a"}, False, {1, 2}),
        ("order_lines", {"b"}, False, {3}),
        ("order_lines", set(), True, {4, 5, 6}),
        ("media", {"a"}, False, {1, 3}),
        ("media", {"b"}, False, {2, 4}),
        ("media", {"a", "b"}, True, {1, 2, 3, 4, 5, 6}),
    ],
)
def test_rows_of_tenants(shop: Database, name: str, tenants: set[str], orphans: bool, found: set[Any]) -> None:
    assert chosen(shop, name, OfTenants(frozenset(tenants), orphans)) == found


@pytest.mark.parametrize("name", CONTENT_TABLES)
def test_the_tenant_of_a_row_is_the_one_it_is_selected_by(shop: Database, name: str) -> None:
    table = bound(shop, name)
    for key, tenant in shop.rows(sa.select(table.column("id"), tenant_of(table)).select_from(table.sql)):
        alone = OfTenants(frozenset(), orphans=True) if tenant is None else OfTenant(tenant.strip())
        assert key in chosen(shop, name, alone)


def test_a_database_of_ones_own_holds_ones_own_rows(shop: Database) -> None:
    home = Home(shop, declarations(SHOP, "shop_database"), TENANTS, tenant="z")
    table = home.table("order_lines")
    counted = sa.select(sa.func.count()).select_from(table.sql)
    assert shop.scalar(counted.where(where(OfTenant("z"), table))) == 6
    assert shop.scalar(counted.where(where(OfTenant("a"), table))) == 0
    assert shop.scalar(sa.select(tenant_of(table)).select_from(table.sql).limit(1)) == "z"


def test_rows_of_a_person_and_everything(shop: Database) -> None:
    assert chosen(shop, "orders", OfPerson({"shopper": ("ann",)})) == {"o1", "o3"}
    assert chosen(shop, "orders", OfPerson({"user": ("ann",)})) == set()
    assert chosen(shop, "order_lines", OfPerson({"shopper": ("ann",)})) == set()
    assert chosen(shop, "orders", Everything()) == {"o1", "o2", "o3", "o'4"}


def test_rows_that_an_erasure_list_names_by_their_hash_alone(shop: Database) -> None:
    hashes = frozenset({str(_python("orders\x1fo2")), str(_python("orders\x1fo'4")), str(_python("order_lines\x1f3"))})
    assert chosen(shop, "orders", Listed(hashes, *PADS)) == {"o2", "o'4"}
    assert chosen(shop, "order_lines", Listed(hashes, *PADS)) == {3}
    table = bound(shop, "order_lines")
    assert shop.rows(sa.select(row_text(table)).where(table.column("id") == 1)) == [("order_lines\x1f1",)]
    assert "shopper" not in repr(OfPerson({"shopper": ("ann",)}))
    assert PADS[0].hex() not in repr(Listed(hashes, *PADS))


def test_only_rows_of_tenants_that_agreed_may_be_read(shop: Database) -> None:
    stock(
        shop,
        {
            "companies": [{"id": one} for one in "abd"],
            "company_consents": [
                {"id": 1, "company_id": "a", "purpose": "analytics", "granted_at": plain(2025)},
                {"id": 2, "company_id": "b", "purpose": "analytics", "granted_at": plain(2025),
                 "withdrawn_at": plain(2026)},
                {"id": 3, "company_id": "d", "purpose": "other", "granted_at": plain(2025)},
            ],
        },
        only=("companies", "company_consents", "tenant_databases"),
    )  # fmt: skip
    databases = Databases(shop, tenants=TENANTS)
    ((lines, within),) = databases.homes(SHOP, AS_OF).within("order_lines", opted_in="analytics")
    assert within is not None
    assert {key for (key,) in shop.rows(sa.select(lines.column("id")).where(within))} == {1, 2}
    before = AS_OF.replace(year=2025)
    ((_, within),) = databases.homes(SHOP, before).within("orders", opted_in="analytics")
    assert within is not None
    assert shop.count(sa.select(shop.table("orders").c.id).where(within)) == 2
    assert not list(databases.homes(SHOP, AS_OF).within("orders", opted_in="nothing"))
