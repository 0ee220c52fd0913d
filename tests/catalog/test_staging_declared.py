"""What analyses may see: nobody in clear, tenants that opted in, browsers apart from people."""

from __future__ import annotations

from genuka_pipelines.catalog.table import Table
from genuka_pipelines.catalog.vocabulary import is_direct_identifier
from tests.catalog.facts import FACTS


def test_no_direct_identifier_or_free_text_is_staged_in_clear() -> None:
    leaks = []
    for key, name, table in FACTS.tables():
        for made in table.staging.columns.values() if table.staging else ():
            held = [_holds(key, table, source) for source in made.of]
            if made.way == "copy" and any(is_direct_identifier(word) for word in held):
                leaks.append(f"{key}:{name}")
            if any(word.startswith(("user.content", "user.name", "user.contact.email")) for word in held):
                leaks.append(f"{key}:{name}")
    assert leaks == []


def _holds(key: str, table: Table, source: str) -> str:
    owner, _, column = source.rpartition(".")
    parent = FACTS.table(FACTS.categories[key].system, owner) if owner else table
    assert parent is not None, source
    return parent.columns[column].holds


def test_only_what_a_published_table_reads_is_staged() -> None:
    """A day beside a device_day says which key makes it."""
    read: dict[tuple[str, str], set[str]] = {}
    for published in FACTS.published.values():
        read.setdefault((published.category, published.table), set()).update(published.reads)
    staged = {(key, name): set(table.staging.columns) for key, name, table in FACTS.tables() if table.staging}
    assert staged == read


def test_tenants_data_are_staged_only_where_they_opted_in() -> None:
    staged = {
        key: category.opt_in
        for key, category in FACTS.categories.items()
        if category.role == "processor" and any(table.staging for table in category.tables.values())
    }
    assert staged == {"genuka/customer_databases": "analytics"}
    tenants = FACTS.systems["genuka_database"].tenants
    assert tenants is not None
    assert (tenants.table, tenants.registry, tenants.consents) == (
        "companies",
        "tenant_databases",
        "company_consents",
    )
    registry = set(FACTS.categories["genuka/dedicated_databases"].tables["tenant_databases"].columns)
    assert {tenants.registry_tenant, tenants.mode, tenants.dsn} <= registry
    consents = set(FACTS.categories["genuka/cookies_consents"].tables["company_consents"].columns)
    assert {
        tenants.consents_tenant,
        tenants.consents_purpose,
        tenants.consents_granted,
        tenants.consents_withdrawn,
    } <= consents


def test_browser_and_identity_are_staged_apart() -> None:
    for key, name, table in FACTS.tables():
        if table.staging and any(made.way == "device_day" for made in table.staging.columns.values()):
            assert table.staging.family == "browser", f"{key}:{name}"
    family = {key for key, _, table in FACTS.tables() if table.staging and table.staging.family == "browser"}
    assert family == {"genuka/browser_data", "genuka/server_sessions", "genuka/cookies_consents"}
