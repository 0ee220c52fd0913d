"""Every table comes to an end, and the periods are those that the policies state."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.vocabulary import is_personal
from genuka_pipelines.demo.seed import limits
from tests.catalog.facts import FACTS, rule_of

PROMISED = {
    ("genuka/session_recordings", "session_recordings", None): ("P1M", "GK-39"),
    ("genuka/session_recordings", "session_recordings", "on_request"): ("P0D", "GK-39"),
    ("genuka/browser_data", "browser_logs", "twelve_months"): ("P12M", "GK-35"),
    ("genuka/server_sessions", "sessions", "three_months_at_most"): ("P3M", "GK-36"),
    ("genuka/server_sessions", "sessions", "idle"): ("P7D", "GK-36"),
    ("genuka/job_applications", "job_applications", "not_hired"): ("P3Y", "GK-33"),
    ("genuka/job_applications", "job_applications", "not_to_be_kept"): ("P0D", "GK-33"),
    ("genuka/job_applications", "employees", "contract_over"): ("P0D", "GK-34"),
    ("genuka/dedicated_databases", "tenant_databases", "last_use"): ("P4M", "GK-38"),
}
"""Periods that a policy states in so many words."""

SEEDED = {
    ("genuka/session_recordings", "session_recordings", None): limits.RECORDING,
    ("genuka/browser_data", "browser_logs", "twelve_months"): limits.BROWSER,
    ("genuka/cookies_consents", "cookie_consents", None): limits.COOKIES,
    ("genuka/server_sessions", "sessions", "three_months_at_most"): limits.SESSION_LIFE,
    ("genuka/server_sessions", "sessions", "idle"): limits.SESSION_IDLE,
    ("genuka/job_applications", "job_applications", "not_hired"): limits.APPLICATION,
    ("genuka/job_applications", "job_applications", "deleted_on_request"): limits.SOFT_DELETED,
    ("genuka/account_contact", "users", "closed_account"): limits.SOFT_DELETED,
    ("genuka/account_contact", "contact_requests", None): limits.CONTACT,
    ("genuka/customer_databases", "orders", "deleted_by_tenant"): limits.SOFT_DELETED,
    ("genuka/event_registrations", "event_registrations", None): limits.EVENT,
    ("genuka/newsletter_optouts", "newsletter_subscribers", "three_years"): limits.SUBSCRIBER,
    ("genuka/support_access", "support_access_logs", None): limits.SUPPORT,
    ("genuka/dedicated_databases", "tenant_databases", "last_use"): limits.LAST_USED,
    ("genletter/account", "accounts", "closed_account"): limits.CLOSED,
    ("genletter/chat", "chat_conversations", None): limits.CHAT,
}
"""How old, in days, the oldest row of a fresh seeding is for each rule."""

RULES = """
genletter/account 2 · genletter/billing 1 · genletter/chat 2 · genletter/cookie_choices 1
genuka/account_contact 7 · genuka/browser_data 2 · genuka/cookies_consents 2 · genuka/customer_databases 12
genuka/dedicated_databases 1 · genuka/event_registrations 3 · genuka/job_applications 5
genuka/newsletter_optouts 3 · genuka/platform_billing 2 · genuka/server_sessions 2
genuka/session_recordings 2 · genuka/support_access 1 · own/ledger_and_holds 9 · own/request_register 4
"""
"""How many rules each category has of its own: a rule that is lost is a promise that nobody computes."""


def _ends(category: Category, name: str, system: str) -> bool:
    table, seen = FACTS.table(system, name), set()
    while table is not None:
        if table.retention or category.retention:
            return True
        if table.kept_with is None or table.kept_with in seen:
            return False
        seen.add(table.kept_with)
        category = next(c for c in FACTS.categories.values() if c.system == system and table.kept_with in c.tables)
        table = FACTS.table(system, table.kept_with)
    return False


def test_every_table_comes_to_an_end() -> None:
    endless = [
        f"{key}:{name}"
        for key, category in FACTS.categories.items()
        for name in category.tables
        if not _ends(category, name, category.system)
    ]
    assert endless == []


def test_a_table_kept_with_another_has_a_key_that_leads_there() -> None:
    """The parent's, a person's or the tenant's: without one nobody knows whose end is meant."""
    lost = []
    for category in FACTS.categories.values():
        for name, table in category.tables.items():
            parent = FACTS.table(category.system, table.kept_with) if table.kept_with else None
            if parent is None or not any(is_personal(column.holds) for column in table.columns.values()):
                continue
            through = table.tenant is not None and table.tenant.parent == table.kept_with
            by_person = table.subject.keys() & parent.subject.keys()
            by_tenant = table.tenant is not None and parent.tenant is not None and table.kept_with == "companies"
            if not (through or by_person or by_tenant):
                lost.append(name)
    assert lost == []


@pytest.mark.parametrize("which", PROMISED, ids=str)
def test_a_period_that_a_policy_states_is_the_one_declared(which: tuple[str, str, str | None]) -> None:
    rule = rule_of(*which)
    assert (str(rule.keep), rule.clause) == PROMISED[which]


def test_four_months_are_a_floor_for_a_dedicated_database_which_ends_as_a_whole() -> None:
    dropped = rule_of("genuka/dedicated_databases", "tenant_databases", "last_use")
    assert dropped.action == "drop_database"
    assert dropped.floor is not None
    assert dropped.floor.keep == "P4M"
    assert any(anchor.endswith("last_used_at") for anchor in dropped.floor.since.of)
    (shared,) = FACTS.categories["genuka/customer_databases"].retention
    assert shared.when == {"tenant_databases.mode": "shared"}
    for rule in (dropped, shared):
        assert [str(notice) for notice in rule.notices] == ["P30D", "P7D", "P1D"]


def test_backups_end_at_twelve_months_in_both_countries() -> None:
    held = {objects.system: (objects.keep, objects.clause) for objects in FACTS.categories["own/backups"].objects}
    assert held == {"backups_france": ("P12M", "GK-40"), "backups_usa": ("P12M", "GK-40")}


@pytest.mark.parametrize("which", SEEDED, ids=str)
def test_a_fresh_seeding_is_younger_than_its_period(which: tuple[str, str, str | None]) -> None:
    shortest_month = datetime(2026, 2, 1, tzinfo=UTC)
    rule: Rule = rule_of(*which)
    assert rule.period.end(shortest_month) - shortest_month > timedelta(days=SEEDED[which])


def test_soft_deleted_rows_of_a_tenant_have_an_end() -> None:
    tables = FACTS.categories["genuka/customer_databases"].tables
    marked = {name for name, table in tables.items() if "deleted_at" in table.columns}
    purged = {
        name for name, table in tables.items() for r in table.retention if r.clause == "GK-53" and r.keep == "P1M"
    }
    assert purged == marked


def test_no_rule_is_lost() -> None:
    found = {
        key: len(category.retention) + sum(len(table.retention) for table in category.tables.values())
        for key, category in FACTS.categories.items()
    }
    told = [entry.split() for entry in re.split("[·\n]", RULES.strip())]
    assert {key: count for key, count in found.items() if count} == {key: int(count) for key, count in told}


def test_no_date_that_a_caller_may_set_decides_about_a_tenants_rows() -> None:
    for name, table in FACTS.categories["genuka/customer_databases"].tables.items():
        assert all("created_at" not in rule.references for rule in table.retention), name


def test_files_of_our_own_end_when_backups_do_at_the_latest() -> None:
    kept = [objects.keep for category in FACTS.categories.values() for objects in category.objects if objects.keep]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(period.end(moment) <= Period("P12M").end(moment) for period in kept)
