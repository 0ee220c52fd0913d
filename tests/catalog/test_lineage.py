"""Browsers and people never meet in a table for analysts: two proofs, each shown to fail on a planted canary."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.lineage import Linked, ancestors, class_of, parents_of, unlinked
from genuka_pipelines.catalog.published import AnonymisedTable
from genuka_pipelines.catalog.yaml_file import BadFact
from tests.catalog.analysts import MONEY, SITE, analysts, loaded, put
from tests.catalog.facts import FACTS

VISITS = "tables.visits.staging"
COLUMNS = f"{VISITS}.columns"


def linked(catalog: Catalog, file: str, *changes: tuple[str, Any]) -> tuple[Linked, ...]:
    """What is found once a fact is changed behind the back of the loader, which would refuse it."""
    raw = analysts()
    for path, value in changes:
        put(raw[file]["attributes"], path, value)
    key = file.removesuffix("/defs.yaml")
    if key in catalog.categories:
        category = Category.model_validate(raw[file]["attributes"])
        return unlinked(dataclasses.replace(catalog, categories={**catalog.categories, key: category}))
    name = key.removeprefix("analytics/")
    table = AnonymisedTable.model_validate(raw[file]["attributes"])
    return unlinked(dataclasses.replace(catalog, published={**catalog.published, name: table}))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return loaded(tmp_path_factory.mktemp("facts"), analysts())


def test_every_declared_table_is_unlinked() -> None:
    assert unlinked(FACTS) == ()
    classes = {name: class_of(FACTS, f"analytics/{name}") for name in FACTS.published}
    assert {name for name, found in classes.items() if found == {"browser"}} == {
        "page_visits_daily", "referring_hosts_daily", "sessions_daily", "cookie_visits_daily",
    }  # fmt: skip
    assert all(found == {"identity"} for name, found in classes.items() if not name.endswith("_daily"))


def test_descent_is_followed_to_the_category_of_every_column() -> None:
    assert ancestors(FACTS, "analytics/orders_monthly") == (
        "staging/genuka/orders",
        "genuka/customer_databases",
        "genuka/account_contact",
    )
    assert parents_of(FACTS, "genuka/customer_databases") == ()
    assert parents_of(FACTS, "analytics/nothing") == ()


# (what is planted, in which file, which proofs find it)
CANARIES: dict[str, tuple[str, list[tuple[str, Any]], set[str]]] = {
    "a browser's visits by the company it visited": (
        SITE, [(f"{COLUMNS}.country", "company_id")], {"graph", "columns"},
    ),
    "a company beside a device, in a column that no table reads": (
        SITE, [(f"{COLUMNS}.company", "company_id")], {"graph"},
    ),
    "a device's day that is keyed by an account": (
        SITE, [(f"{COLUMNS}.device_day", {"device_day": ["ip", "company_id"]})], {"graph", "columns"},
    ),
    "a column of people's bills brought to a visit": (
        SITE, [(f"{COLUMNS}.country", "bills.plan")], {"graph"},
    ),
    "visits chosen by whose they are": (
        SITE, [(f"{VISITS}.when", {"company_id": "present"})], {"graph", "columns"},
    ),
    "visits chosen by an account that agreed": (
        SITE,
        [(f"{VISITS}.consent", {"table": "bills", "by": {"company_id": "company_id"}, "when": {"plan": "PRO"}})],
        {"graph", "columns"},
    ),
    "people's bills by the browser they came with": (
        MONEY, [("tables.bills.columns.plan", "user.device.user_agent")], {"graph", "columns"},
    ),
    "recordings": (
        MONEY, [("tables.bills.columns.plan", "user.behavior.session_replay")], {"graph", "columns"},
    ),
    "tenants' data without an opt-in": (MONEY, [("role", "processor")], {"graph"}),
    "a cookie without a recorded consent": (
        SITE, [(f"{COLUMNS}.device_day", {"device_day": "cookie"})], {"columns"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("planted", CANARIES)
def test_a_planted_canary_is_found(catalog: Catalog, planted: str) -> None:
    assert unlinked(catalog) == ()
    file, changes, proofs = CANARIES[planted]
    found = linked(catalog, file, *changes)
    assert {one.proof for one in found} == proofs
    assert {one.table for one in found} == {"visits_daily" if file == SITE else "bills_monthly"}


@pytest.mark.parametrize("planted", CANARIES)
def test_a_location_with_a_canary_does_not_load(tmp_path: Path, planted: str) -> None:
    file, changes, _ = CANARIES[planted]
    changed = analysts()
    for path, value in changes:
        put(changed[file]["attributes"], path, value)
    with pytest.raises(BadFact, match=r"^assets/(analytics|shop)/\w+/defs.yaml:\d+: ") as refused:
        loaded(tmp_path, changed)
    assert "\n" not in str(refused.value)


def test_the_sentence_names_the_table_the_columns_and_the_rule(tmp_path: Path) -> None:
    changed = analysts()
    put(changed[SITE]["attributes"], f"{COLUMNS}.company", "company_id")
    with pytest.raises(BadFact) as refused:
        loaded(tmp_path, changed)
    assert str(refused.value) == (
        "assets/analytics/visits_daily/defs.yaml:12: it descends from a browser (staging/shop/visits, shop/site) and "
        "from an identity (staging/shop/visits): browsers are never linked to people; count the two in tables of "
        "their own"
    )


def test_a_cookie_with_a_recorded_consent_may_be_counted(tmp_path: Path) -> None:
    changed = analysts()
    site = changed[SITE]["attributes"]["tables"]
    site["visits"]["staging"]["columns"]["device_day"] = {"device_day": "cookie"}
    site["choices"] = {
        "columns": {"id": "system.operations", "cookie": "user.device.cookie_id", "agreed_at": "system.operations"},
        "retention": [{"keep": "P12M", "since": "agreed_at", "clause": "SH-01"}],
    }
    site["visits"]["staging"]["consent"] = {
        "table": "choices",
        "by": {"cookie": "cookie"},
        "when": {"agreed_at": "present"},
    }
    assert unlinked(loaded(tmp_path, changed)) == ()
