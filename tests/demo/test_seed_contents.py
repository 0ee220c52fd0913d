"""What is in a seeding, seen before it reaches any database."""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.demo.seed.values import GENUKA, Recipe, dedicated_refs
from tests.conftest import ROUNDS
from tests.demo.recipes import AS_OF, NOW, Row, all_rows, digest_of, gathered, parsed, seconds

RECIPE = Recipe(companies=45, days=30, seed=7, as_of=AS_OF)
Tables = dict[tuple[str, str], list[Row]]
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"

# (table, column) -> the table that it refers to, within one tenant
REFERENCES = {
    ("shop_user", "shop_id"): "shops", ("shop_user", "user_id"): "users", ("customer_shop", "shop_id"): "shops",
    ("customer_shop", "customer_id"): "customers", ("product_variants", "product_id"): "products",
    ("services", "product_variant_id"): "product_variants", ("stocks", "product_variant_id"): "product_variants",
    ("stock_warehouse", "stock_id"): "stocks", ("stock_warehouse", "warehouse_id"): "warehouses",
    ("products", "supplier_id"): "suppliers", ("taggables", "tag_id"): "tags",
    ("taggables", "taggable_id"): "customers",
    ("orders", "shop_id"): "shops", ("orders", "user_id"): "users", ("orders", "customer_id"): "customers",
    ("order_product", "order_id"): "orders", ("order_product", "variant_id"): "product_variants",
    ("order_product", "product_id"): "products", ("order_product", "service_id"): "services",
    ("deliveries", "order_id"): "orders", ("deliveries", "address_id"): "addresses", ("deliveries", "user_id"): "users",
    ("returns", "order_id"): "orders", ("return_items", "return_id"): "returns",
    ("return_items", "variant_id"): "product_variants", ("invoices", "order_id"): "orders",
    ("invoices", "shop_id"): "shops", ("payments", "payable_id"): "invoices",
    ("payments", "treasury_account_id"): "treasury_accounts", ("bills", "supplier_id"): "suppliers",
    ("payment_methods", "treasury_account_id"): "treasury_accounts", ("reviews", "reviewer_id"): "customers",
    ("reviews", "reviewable_id"): "products", ("activity_log", "causer_id"): "users",
    ("oauth_access_tokens", "user_id"): "users", ("session_recordings", "user_id"): "users",
}  # fmt: skip
OWNED = {
    ("addresses", "addressable"): {"customer": "customers", "order": "orders", "shop": "shops", "company": "companies"},
    ("media", "model"): {"company": "companies", "product": "products", "customer": "customers"},
    ("activity_log", "subject"): {"customer": "customers", "order": "orders"},
}  # fmt: skip
# What is promised, in days, by table and column: a month has 28 and a year 365
PROMISED = {
    ("browser_logs", "visited_at"): 365, ("page_views", "viewed_at"): 365, ("cookie_consents", "created_at"): 180,
    ("sessions", "created_at"): 89, ("session_recordings", "started_at"): 28, ("session_recordings", "ended_at"): 28,
    ("job_applications", "created_at"): 730, ("job_applications", "decided_at"): 730, ("employees", "left_at"): 730,
    ("contact_requests", "created_at"): 365, ("event_registrations", "created_at"): 365,
    ("newsletter_subscribers", "created_at"): 730, ("newsletter_subscribers", "unsubscribed_at"): 28,
    ("support_access_logs", "ended_at"): 365, ("tenant_databases", "last_used_at"): 120, ("accounts", "closed_at"): 28,
    ("tenant_databases", "subscription_ended_at"): 28, ("chat_messages", "sent_at"): 365,
    ("chat_conversations", "started_at"): 365, ("password_reset_tokens", "created_at"): 1,
    ("platform_invoices", "issued_at"): 3_650, ("oauth_access_tokens", "created_at"): 365,
    ("accounts", "last_login_at"): 365,
}  # fmt: skip
AHEAD = {"due_at", "due_date", "ended_at", "expiration_date", "expires_at", "period_end", "starts_at", "trial_ends_at"}
DELETED_SINCE = NOW - 28 * 86_400
NO_TEXT = ("id", "_at", "token", "hash", "password", "pin", "secret")
SPOKEN = ("cover_letter", "notes", "legal_data", "content", "message", "body", "custom_fields", "comment")
NEVER_YET = {
    "delete_requested_at", "processed_at", "irrelevant_at", "deletion_requested_at", "dropped_at", "legal_hold_at",
    "postal_address",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return gathered(RECIPE)


def of(tables: Tables, name: str) -> Iterator[Row]:
    for (_, table), rows in tables.items():
        if table == name:
            yield from rows


def test_the_same_recipe_makes_the_same_rows_in_every_process() -> None:
    recipe = Recipe(companies=12, days=5, seed=3, as_of=AS_OF)
    script = "from tests.demo.recipes import *; print(digest_of(Recipe(companies=12, days=5, seed=3, as_of=AS_OF)))"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hashing},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hashing in ("0", "4711")
    ]
    printed = [run.communicate()[0].strip() for run in runs]
    assert printed == [digest_of(recipe)] * 2
    assert digest_of(Recipe(companies=12, days=5, seed=4, as_of=AS_OF)) != printed[0]


def test_no_reference_leaves_its_tenant(tables: Tables) -> None:
    tenant_of: dict[tuple[str, str], str | None] = {}
    for (_, name), rows in tables.items():
        for row in rows:
            if row.get("company_id"):
                tenant_of[name, str(row.get("id"))] = row["company_id"]
    for row in of(tables, "companies"):
        tenant_of["companies", str(row["id"])] = row["id"]
    paths = {name: (column, parent) for (name, column), parent in reversed(REFERENCES.items())}
    for name in ("product_variants", "services", "return_items"):
        for row in of(tables, name):
            column, parent = paths[name]
            tenant_of[name, str(row["id"])] = tenant_of[parent, str(row[column])]
    for (name, column), parent in REFERENCES.items():
        own_column, own_parent = paths[name]
        for row in of(tables, name):
            if row.get(column):
                mine = row.get("company_id") or tenant_of[own_parent, str(row[own_column])]
                assert tenant_of[parent, str(row[column])] == mine, (name, column)
    for (name, owner), parents in OWNED.items():
        for row in of(tables, name):
            parent = parents[str(row[f"{owner}_type"]).rsplit("\\", 1)[-1].lower()]
            mine = tenant_of[parent, str(row[f"{owner}_id"])]
            assert row.get("company_id") in (None, mine)


def test_every_row_of_a_tenant_is_in_its_own_database(tables: Tables) -> None:
    own = {row["company_id"]: row["dsn_secret_ref"] for row in of(tables, "tenant_databases")}
    assert set(own.values()) == {None, *dedicated_refs(RECIPE.companies)}
    for name in ("orders", "customers", "products", "invoices", "payments", "addresses", "shops"):
        for (database, table), rows in tables.items():
            if table == name:
                assert {own[row["company_id"]] or GENUKA for row in rows} == {database}


def test_nothing_is_older_than_its_promise_or_newer_than_now(tables: Tables) -> None:
    for (name, column), days in PROMISED.items():
        found = [seconds(str(row[column])) for row in of(tables, name) if row.get(column)]
        assert not found or min(found) > NOW - days * 86_400, (name, column)
    for (_, name), rows in tables.items():
        for column in rows[0]:
            if column.endswith("_at") and column not in AHEAD:
                dated = sorted(str(row[column]) for row in rows if row[column])
                assert not dated or seconds(dated[-1]) <= NOW, (name, column)
                assert column != "deleted_at" or not dated or seconds(dated[0]) >= DELETED_SINCE, name
            if column in NEVER_YET and name not in ("job_applications", "employees"):
                assert not any(row[column] for row in rows), (name, column)


def test_sessions_are_alive(tables: Tables) -> None:
    for row in of(tables, "sessions"):
        active = int(str(row["last_activity"]))
        assert NOW - 7 * 86_400 < active < NOW
        assert seconds(str(row["created_at"])) <= active


def test_offer_stage_fields_wait_for_an_offer(tables: Tables) -> None:
    extra = ("birthdate", "postal_address", "social_security_number", "bank_account", "emergency_contact")
    applications = list(of(tables, "job_applications"))
    assert {row["status"] for row in applications} == {"received", "reviewing", "offer", "hired", "rejected"}
    for row in applications:
        assert all(bool(row[column]) == bool(row["offered_at"]) for column in extra)
        assert not (row["keep_opt_out_at"] and row["decided_at"])


def test_a_company_has_an_address_only_with_an_invoice(tables: Tables) -> None:
    invoiced = {row["company_id"] for row in of(tables, "platform_invoices")}
    housed = {row["addressable_id"] for row in of(tables, "addresses") if "ompany" in str(row["addressable_type"])}
    assert housed
    assert housed <= invoiced


def test_ulids_tell_the_time_that_rows_were_made_and_callers_may_say_another(tables: Tables) -> None:
    def made(ulid: str | None) -> int:
        value = 0
        for letter in str(ulid)[:10]:
            value = value * 32 + CROCKFORD.index(letter)
        return value // 1000

    for name in ("companies", "users", "customers", "products", "job_applications", "events", "accounts"):
        for row in of(tables, name):
            assert made(row["id"]) == seconds(str(row["created_at"])), name
    apart = [made(row["id"]) - seconds(str(row["created_at"])) for row in of(tables, "orders")]
    assert min(apart) == 0
    assert any(apart)
    assert max(apart) <= 23 * 86_400


def test_the_traps_of_the_real_one_are_there(tables: Tables) -> None:
    orders, customers, addresses = (list(of(tables, name)) for name in ("orders", "customers", "addresses"))
    assert {"App\\Models\\Order", "order"} <= {row["addressable_type"] for row in addresses}
    owned = {row["addressable_id"] for row in addresses}
    assert any(row["customer_id"] is None and row["id"] in owned for row in orders)
    assert any(str(row["last_name"]).startswith("+") and row["first_name"] == "" for row in customers)
    assert any(row["email"] is row["phone"] is row["last_name"] is None for row in customers)
    assert {"products", "PRODUCTS"} == {row["revenue_type"] for row in orders}
    assert {"canceled", "cancelled"} < {row["status"] for row in orders}
    assert {"[]", None} < {row["metadata"] for row in customers}
    assert any("accepted_by" in str(row["metadata"]) for row in of(tables, "companies"))
    assert any('"old":{"phone"' in str(row["properties"]) for row in of(tables, "activity_log"))
    assert all(row["payable_type"] in ("invoice", "App\\Models\\Invoice") for row in of(tables, "payments"))
    assert {26, 4} <= {len(str(row["method"])) for row in of(tables, "payments")}
    assert any(not row["created_at"] for row in of(tables, "order_product"))
    assert any(row["quantity"] == "0.35" for row in of(tables, "order_product"))
    per_company = {(row["company_id"], row["reference"]) for row in orders}
    assert len(per_company) == len(orders) > len({row["reference"] for row in orders})


def test_names_are_written_as_people_write_them(tables: Tables) -> None:
    names = " ".join(f"{row['first_name']} {row['last_name']}" for row in of(tables, "customers"))
    for sign in ("é", "ï", "'", "-", "Ł", "ع", "王"):
        assert sign in names or sign in "Łع王", sign
    texts = " ".join(str(row["metadata"]) for row in of(tables, "orders"))
    assert re.search("[\U0001f300-\U0001faff]", texts)
    assert '\\"sans sucre\\"' in texts
    assert "\\t" in texts


def test_nobody_can_be_reached(tables: Tables) -> None:
    reserved = re.compile(r"@(?:example\.(?:org|com|net)|[a-z]+\.example)$")
    fiction = re.compile(r"(?:\+33 6 39 98|\+33 1 99 00|06 39 98|\+33 4 65 71|\+1 \d{3} 555 01|\+237 6 00|\+225 09 00|"
                         r"\+221 79 00|\+241 00|\+32 400 0)")  # fmt: skip
    places = [ipaddress.ip_network(net) for net in ("198.18.0.0/15", "2001:db8::/32")]
    for rows in tables.values():
        for row in rows:
            for column in ("email", "billing_email", "contact_email"):
                assert not row.get(column) or reserved.search(str(row[column]))
            assert not row.get("phone") or fiction.match(str(row["phone"])), row["phone"]
    for row in of(tables, "browser_logs"):
        address = ipaddress.ip_address(str(row["ip_address"]))
        assert any(address in place for place in places if place.version == address.version)


def test_companies_answer_differently(tables: Tables) -> None:
    consents = list(of(tables, "company_consents"))
    given = [row for row in consents if row["withdrawn_at"] is None]
    assert 0.2 < len(given) / RECIPE.companies < 0.5
    cookies = list(of(tables, "cookie_consents"))
    assert any(row["refused_at"] for row in cookies)
    assert any(row["withdrawn_at"] for row in cookies)
    granted = {row["anonymous_id"]: row for row in cookies if row["granted_at"]}
    for row in of(tables, "page_views"):
        choice = granted[row["anonymous_id"]]
        assert str(choice["granted_at"]) <= str(row["viewed_at"])
        assert not choice["withdrawn_at"] or str(row["viewed_at"]) <= str(choice["withdrawn_at"])
    plans = {row["plan"] for row in of(tables, "tenant_databases")}
    assert plans == {"LIGHT", "PRO", "ENTERPRISE"}


def test_sizes_are_skewed() -> None:
    counts: dict[str | None, int] = {}
    for rows in all_rows(Recipe(companies=200, days=20, seed=1, as_of=AS_OF)):
        if rows.table.name == "orders":
            for row in parsed(rows):
                counts[row["company_id"]] = counts.get(row["company_id"], 0) + 1
    ranked = sorted(counts.values(), reverse=True)
    assert sum(ranked[:20]) > 0.4 * sum(ranked)


def test_a_detector_finds_nothing_in_a_fresh_seeding(tables: Tables) -> None:
    from genuka_pipelines.quality.detectors import detectors, find

    texts: dict[str, set[str]] = {}
    for rows in tables.values():
        for row in rows:
            for column, value in row.items():
                if value and not column.endswith(NO_TEXT):
                    texts.setdefault(column, set()).add(value)
    assert find(sorted(set().union(*texts.values())), detectors("cards")) == []
    spoken = set().union(*(texts[column] for column in SPOKEN))
    assert find(sorted(spoken), detectors("special_categories")) == []
    secrets = {row[column] for name in ("users", "customers", "accounts") for row in of(tables, name)
               for column in ("password", "pin") if row.get(column)}  # fmt: skip
    assert secrets
    assert find(sorted(map(str, secrets)), detectors("passwords")) == []


@settings(max_examples=max(4, ROUNDS // 6))
@given(
    companies=st.integers(1, 14),
    days=st.integers(1, 500),
    number=st.integers(0, 2**63 - 1),
    back=st.integers(0, 9_000),
)
def test_any_recipe_can_be_made(companies: int, days: int, number: int, back: int) -> None:
    recipe = Recipe(companies, min(days, 300 // companies + 1), number, AS_OF - timedelta(days=back))
    seen: dict[tuple[str, str], set[tuple[str | None, ...]]] = {}
    for rows in all_rows(recipe):
        keys = seen.setdefault((rows.database, rows.table.name), set())
        made = parsed(rows)
        assert len(made) == rows.count > 0
        for row in made:
            key = tuple(row[column.name] for column in rows.table.primary_key)
            assert key not in keys
            keys.add(key)
        assert "\0" not in bytes(rows.text).decode()
