"""Rules that read another table: the parent's, the tenant's, a child's; and what the law keeps."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.due import dated, due, kept_by_law, rules_of, waiting
from genuka_pipelines.rows.errors import NoWayBetween, UnfitColumn
from genuka_pipelines.rows.fate import erasable
from genuka_pipelines.rows.path import is_not_true
from genuka_pipelines.rows.selection import Due, Hold, OfTenant
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import MissingColumn
from tests.rows.shop import AS_OF, CONTENT, OVER, SHOP, bound, catalog, category, plain, stock

ENDED: dict[str, list[dict[str, Any]]] = {
    "companies": [
        {"id": "a", "country": "CM"}, {"id": "b", "country": "FR"}, {"id": "c", "country": "xx"},
        {"id": "d"}, {"id": "e"},
    ],
    "tenant_databases": [
        {"company_id": "a", "mode": "shared", "subscription_ended_at": plain(2022), "last_used_at": plain(2022)},
        {"company_id": "b", "mode": "shared", "subscription_ended_at": plain(2026), "last_used_at": plain(2026, 3)},
        {"company_id": "c", "mode": "shared", "subscription_ended_at": plain(2020), "last_used_at": None},
        {"company_id": "d", "mode": "shared", "subscription_ended_at": None, "last_used_at": plain(2020)},
    ],
    "orders": [{"id": f"o{one}", "company_id": one} for one in "abcdez"] + [{"id": "lost", "company_id": None}],
    "order_lines": [{"id": number, "order_id": f"o{one}"} for number, one in enumerate("abcde")],
    "media": [
        {"id": 0, "model_type": "order", "model_id": "oa"},
        {"id": 1, "model_type": "App\\Models\\OrderLine", "model_id": "0"},
        {"id": 2, "model_type": "order", "model_id": "ob"},
    ],
    "invoices": [
        {"id": 1, "company_id": "a", "issued_at": plain(2017)}, {"id": 2, "company_id": "a", "issued_at": plain(2014)},
        {"id": 3, "company_id": "b", "issued_at": plain(2010)}, {"id": 4, "company_id": "c", "issued_at": plain(2019)},
        {"id": 5, "company_id": "c", "issued_at": None},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(database: Database) -> Database:
    stock(database, ENDED)
    return database


def ids(database: Database, name: str, predicate: sa.ColumnElement[bool], key: str = "id") -> set[Any]:
    table = database.table(name)
    return {
        found.strip() if key == "company_id" else found
        for (found,) in database.rows(sa.select(table.c[key]).where(predicate))
    }


@pytest.mark.parametrize(("name", "found"), [("orders", {"oa"}), ("order_lines", {0}), ("media", {0, 1})])
def test_a_rule_of_the_whole_category_acts_through_the_tenant(shop: Database, name: str, found: set[Any]) -> None:
    table = bound(shop, name)
    rule = rules_of(table)["subscription_over"]
    assert ids(shop, name, due(table, rule, AS_OF)) == found


def test_what_nothing_dates_is_counted_apart_and_never_due(shop: Database) -> None:
    table = bound(shop, "orders")
    rule = rules_of(table)["subscription_over"]
    undated = waiting(table, rule, AS_OF) & is_not_true(dated(table, rule, AS_OF))
    assert ids(shop, "orders", undated) == {"oc", "od", "oe", "oz", "lost"}


def test_a_child_ends_with_the_parent_it_is_kept_with(shop: Database) -> None:
    deleted = [
        {**order, "deleted_at": plain(2026, 4, 30) if order["id"] == "ob" else None} for order in ENDED["orders"]
    ]
    stock(shop, {"orders": deleted}, only=("orders",))
    table = bound(shop, "order_lines")
    rules = rules_of(table)
    assert list(rules) == ["subscription_over", "orders.deleted", "owner_gone"]
    assert ids(shop, "order_lines", due(table, rules["orders.deleted"], AS_OF)) == {1}
    assert ids(shop, "order_lines", where(Due(None, AS_OF), table)) == {0, 1}
    stock(shop, ENDED, only=("orders",))


def test_a_law_keeps_what_it_says_for_as_long_as_it_says(shop: Database) -> None:
    table = bound(shop, "companies")
    rule = rules_of(table)["former"]
    assert ids(shop, "companies", due(table, rule, AS_OF)) == {"a", "c"}
    # a: Cameroon, ten years from 2017 · b: France, five years from 2010 are over · c: one invoice has no date
    # d, e: no invoice, so nothing to keep
    assert ids(shop, "companies", kept_by_law(table, rule, AS_OF)) == {"a", "c"}
    assert ids(shop, "companies", kept_by_law(table, rule, AS_OF.replace(year=2028))) == {"c"}
    assert ids(shop, "companies", erasable(Due(rule, AS_OF), table, as_of=AS_OF)) == set()


def test_a_hold_keeps_rows_and_lets_the_others_go(shop: Database) -> None:
    table = bound(shop, "orders")
    free = erasable(Due(None, AS_OF), table, as_of=AS_OF, holds=[Hold("h1", OfTenant("b"))])
    assert ids(shop, "orders", free) == {"oa"}
    kept = erasable(Due(None, AS_OF), table, as_of=AS_OF, holds=[Hold("h1", OfTenant("a"))])
    assert ids(shop, "orders", kept) == set()


def test_a_request_ends_the_floor_that_nothing_else_ends(shop: Database) -> None:
    own = {"mode": "DEDICATED", "subscription_ended_at": plain(2026, 5), "last_used_at": plain(2026, 5)}
    rows = [
        {**own, "company_id": "asked", "asked_at": plain(2026, 5, 31)},
        {**own, "company_id": "asks later", "asked_at": plain(2026, 6, 1)},
        {**own, "company_id": "fresh"},
        {**own, "company_id": "old", "subscription_ended_at": plain(2026), "last_used_at": plain(2026, 1, 31)},
        {**own, "company_id": "used", "subscription_ended_at": plain(2025), "last_used_at": plain(2026, 2, 1)},
        {**own, "company_id": "subscribed", "subscription_ended_at": None, "asked_at": plain(2026)},
    ]
    stock(shop, {"tenant_databases": rows}, only=("tenant_databases",))
    table = bound(shop, "tenant_databases")
    rule = rules_of(table)["last_use"]
    assert ids(shop, table.name, due(table, rule, AS_OF), "company_id") == {"asked", "old"}
    stock(shop, ENDED, only=("tenant_databases",))


RULE = {"keep": "P1M", "clause": "SH-01"}


def _with_rule(**rule: Any) -> Any:
    content = {**CONTENT, "orders": {**CONTENT["orders"], "retention": [{**RULE, **rule}]}}
    alone = {"alone": {"columns": {"id": "x", "at": "x"}, "retention": [{**RULE, "since": "at"}]}}
    return catalog(
        content=category(content, retention=[OVER]), other=category(alone), ours=SHOP.categories["shop/ours"]
    )


@pytest.mark.parametrize(
    ("rule", "error", "said"),
    [
        ({"since": "status"}, UnfitColumn, "'status' of 'orders' holds text"),
        ({"since": "ulid:deleted_at"}, UnfitColumn, "a ULID"),
        ({"since": "deleted_at", "when": {"status": True}}, UnfitColumn, "yes or no"),
        ({"since": "alone.at"}, NoWayBetween, "'orders' reads 'alone'"),
    ],
)
def test_a_rule_that_cannot_be_computed_says_so(
    shop: Database, rule: dict[str, Any], error: type[Exception], said: str
) -> None:
    from tests.systems.opened import run

    if "alone" not in shop.tables():
        run(shop, "CREATE TABLE alone (id int, at timestamp)")
    table = bound(shop, "orders", _with_rule(**rule))
    with pytest.raises(error, match=said):
        where(Due(None, AS_OF), table)


def test_a_column_that_is_only_declared_is_missing_not_empty(shop: Database) -> None:
    content = {**CONTENT, "orders": {**CONTENT["orders"], "columns": {**CONTENT["orders"]["columns"], "gone_at": "x"},
                                     "retention": [{**RULE, "since": "gone_at"}]}}  # fmt: skip
    with pytest.raises(MissingColumn, match="no column 'gone_at'"):
        where(
            Due(None, AS_OF),
            bound(
                shop, "orders", catalog(content=category(content, retention=[OVER]), ours=SHOP.categories["shop/ours"])
            ),
        )


def test_a_rule_of_another_table_is_refused(shop: Database) -> None:
    with pytest.raises(ValueError, match="none of those of orders"):
        where(Due(Rule.model_validate({**RULE, "since": "seen"}), AS_OF), bound(shop, "orders"))
