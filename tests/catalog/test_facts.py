"""The facts of this deployment say what databases hold and policies promise: no more, no less."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import MetaData, Table

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.value import Value, Words
from genuka_pipelines.catalog.vocabulary import is_direct_identifier, is_personal
from genuka_pipelines.control import tables as control_tables
from genuka_pipelines.control.schema import VERSION_TABLE
from genuka_pipelines.demo.schema import tables_of
from genuka_pipelines.demo.seed import limits

LONGEST_KEY = 26
FACTS: Catalog = load_catalog()

HEADINGS = {
    ("genuka", "Données de compte & Coordonnées"): {
        "account_contact",
        "event_registrations",
        "newsletter_optouts",
        "platform_billing",
    },
    ("genuka", "Données relatives aux candidatures"): {"job_applications"},
    ("genuka", "Données de navigateur"): {"browser_data", "server_sessions", "cookies_consents"},
    ("genuka", "Bases de données des clients"): {
        "customer_databases",
        "dedicated_databases",
        "support_access",
    },
    ("genuka", "Enregistrement des sessions"): {"session_recordings"},
    ("genletter", "Nom et adresse e-mail :"): {"account"},
    ("genletter", "Informations de facturation :"): {"billing"},
    ("genletter", "Données de communication :"): {"chat"},
    ("genletter", "Informations de profil :"): {"profile"},
    ("genletter", "Les cookies :"): {"cookie_choices"},
}
OWN = {"media", "backups", "exports", "staging", "run_history", "requests", "ledger_and_holds"}

PROMISED = {
    ("genuka/session_recordings", "session_recordings", None): ("P1M", "GK-39"),
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
genuka/account_contact 6 · genuka/browser_data 2 · genuka/cookies_consents 2 · genuka/customer_databases 12
genuka/dedicated_databases 1 · genuka/event_registrations 3 · genuka/job_applications 5
genuka/newsletter_optouts 3 · genuka/platform_billing 2 · genuka/server_sessions 2
genuka/session_recordings 1 · genuka/support_access 1 · own/ledger_and_holds 3
"""
"""How many rules each category has of its own: a rule that is lost is a promise that nobody computes."""

FORBIDDEN = (
    "user.demographic.race_ethnicity",
    "user.demographic.political_opinion",
    "user.demographic.religious_belief",
    "user.demographic.sexual_orientation",
    "user.union_membership",
    "user.health_and_medical",
    "user.biometric",
    "user.financial.credit_card",
)


def _schema(system: str) -> list[Table]:
    if system == "control_database":
        return [*control_tables.metadata.tables.values(), Table(VERSION_TABLE, MetaData())]
    return list(tables_of({"genuka_database": "genuka", "genletter_database": "genletter"}[system]))


def _declared(system: str) -> dict[str, set[str]]:
    return {name: set(table.columns) for _, name, table in FACTS.tables(system)}


@pytest.mark.parametrize("system", ["genuka_database", "genletter_database", "control_database"])
def test_every_table_and_column_is_declared_and_none_beyond(system: str) -> None:
    held = {table.name: {column.name for column in table.columns} for table in _schema(system)}
    declared = _declared(system)
    if system == "control_database":
        # The migrations' own table is made by their library, so no metadata lists its column.
        held[VERSION_TABLE] = {"version_num"}
    assert declared.keys() == held.keys()
    assert {name: declared[name] ^ held[name] for name in held if declared[name] != held[name]} == {}


@pytest.mark.parametrize("system", ["genuka_database", "genletter_database", "control_database"])
def test_the_declared_key_is_the_primary_key(system: str) -> None:
    wrong = {
        table.name: (declared.key, [column.name for column in table.primary_key])
        for table in _schema(system)
        if (declared := FACTS.table(system, table.name)) is not None
        and table.name != VERSION_TABLE
        and set(declared.key) != {column.name for column in table.primary_key}
    }
    assert wrong == {}


def test_a_dedicated_database_holds_what_customer_databases_declares() -> None:
    declared = set(FACTS.categories["genuka/customer_databases"].tables)
    assert declared == {table.name for table in tables_of("tenant")}


@pytest.mark.parametrize(("product", "heading"), HEADINGS)
def test_every_heading_of_a_policy_has_its_categories(product: str, heading: str) -> None:
    sentence = hashlib.sha256(heading.encode()).hexdigest()[:16]
    assert any(s.sha256 == sentence and s.why == "heading" for s in FACTS.policies[product].sentences)
    found = {
        key.removeprefix(product + "/")
        for key, category in FACTS.categories.items()
        if key.startswith(product + "/") and category.heading == heading
    }
    assert found == HEADINGS[product, heading]


def test_every_category_comes_from_a_heading_or_is_our_own() -> None:
    ours = {key.removeprefix("own/") for key in FACTS.categories if key.startswith("own/")}
    assert ours == OWN
    headed = {(key.split("/")[0], c.heading) for key, c in FACTS.categories.items() if not key.startswith("own/")}
    assert headed == set(HEADINGS)


def test_every_name_fits_an_asset_key() -> None:
    names = [part for key in FACTS.files for part in key.split("/")]
    names += [*FACTS.systems, *FACTS.vocabulary.purposes, *FACTS.vocabulary.subjects]
    names += [name for _, name, table in FACTS.tables() if table.staging]
    assert [name for name in names if len(name) > LONGEST_KEY or not re.fullmatch("[a-z0-9_]+", name)] == []


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


def _rule(category: str, table: str, name: str | None) -> Rule:
    (rule,) = [rule for rule in FACTS.categories[category].tables[table].retention if rule.name == name]
    return rule


@pytest.mark.parametrize("which", PROMISED, ids=str)
def test_a_period_that_a_policy_states_is_the_one_declared(which: tuple[str, str, str | None]) -> None:
    rule = _rule(*which)
    assert (str(rule.keep), rule.clause) == PROMISED[which]


def test_four_months_are_a_floor_for_whatever_is_in_a_dedicated_database() -> None:
    dropped = _rule("genuka/dedicated_databases", "tenant_databases", "last_use")
    (emptied,) = FACTS.categories["genuka/customer_databases"].retention
    for rule in (dropped, emptied):
        assert rule.floor is not None
        assert rule.floor.keep == "P4M"
        assert any(anchor.endswith("last_used_at") for anchor in rule.floor.since.of)
        assert [str(notice) for notice in rule.notices] == ["P30D", "P7D", "P1D"]
    assert dropped.action == "drop_database"


def test_backups_end_at_twelve_months_in_both_countries() -> None:
    held = {objects.system: (objects.keep, objects.clause) for objects in FACTS.categories["own/backups"].objects}
    assert held == {"backups_france": ("P12M", "GK-40"), "backups_usa": ("P12M", "GK-40")}


@pytest.mark.parametrize("which", SEEDED, ids=str)
def test_a_fresh_seeding_is_younger_than_its_period(which: tuple[str, str, str | None]) -> None:
    shortest_month = datetime(2026, 2, 1, tzinfo=UTC)
    rule: Rule = _rule(*which)
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


def test_both_spellings_of_every_polymorphic_owner_are_known() -> None:
    paths = [table.tenant for _, _, table in FACTS.tables() if table.tenant and table.tenant.owners]
    assert len(paths) == 2
    for path in paths:
        full = {owner.removeprefix("App\\Models\\").lower() for owner in path.owners if owner.startswith("App\\")}
        assert full == {owner for owner in path.owners if "\\" not in owner}


def test_no_special_category_and_no_card_is_declared_anywhere() -> None:
    found = [
        f"{key}:{table}.{column}"
        for key, category in FACTS.categories.items()
        for table, declared in category.tables.items()
        for column, held in declared.columns.items()
        if held.holds.startswith(FORBIDDEN)
    ]
    assert found == []
    assert not any(word.startswith(FORBIDDEN) for provider in FACTS.processors.values() for word in provider.receives)


def _personal(category: str, *tables: str) -> dict[str, set[str]]:
    """Classifications of people's data, and the columns that hold each."""
    held: dict[str, set[str]] = {}
    for name in tables:
        for column, declared in FACTS.categories[category].tables[name].columns.items():
            if is_personal(declared.holds):
                held.setdefault(declared.holds, set()).add(column)
    return held


def test_browser_data_are_what_the_policy_lists() -> None:
    assert _personal("genuka/browser_data", "browser_logs") == {
        "user.device.ip_address": {"ip_address"},
        "user.behavior.browsing_history": {"visited_at", "referrer_url"},
        "user.device.user_agent": {"browser", "browser_version", "platform"},
        "user.demographic.language": {"language"},
        "user.location.imprecise": {"country", "city"},
    }


def test_a_genletter_account_and_profile_are_what_the_policy_lists() -> None:
    assert _personal("genletter/profile", "user_profiles").keys() == {
        "user.unique_id",
        "user.name",
        "user.content.self_image",
        "user.account.settings",
    }
    given = {
        "user.name": {"name"},
        "user.contact.email": {"email"},
        "user.authorization.password": {"password"},
    }
    assert _personal("genletter/account", "accounts").items() >= given.items()


def test_what_an_account_holds_beyond_the_policy_is_known() -> None:
    """GK-01 lists name, company, e-mail, phone, address and password; a new excess must be decided."""
    listed = ("user.name", "user.contact", "user.authorization", "user.unique_id", "user.privacy_preferences")
    beyond = {
        column
        for word, columns in _personal("genuka/account_contact", "users").items()
        if not word.startswith(listed)
        for column in columns
    }
    assert beyond == {
        "birthdate",
        "role",
        "permissions",
        "pin_enabled",
        "last_activity",
        "last_login_at",
        "last_login_ip",
        "metadata",
    }
    assert FACTS.categories["genuka/account_contact"].tables["users"].note is not None


def test_before_an_offer_an_application_holds_contact_letter_and_cv() -> None:
    columns = FACTS.categories["genuka/job_applications"].tables["job_applications"].columns
    later = {name for name, column in columns.items() if column.stage == "from_offer"}
    assert later == {
        "birthdate",
        "postal_address",
        "social_security_number",
        "bank_account",
        "emergency_contact",
    }


def test_no_direct_identifier_or_free_text_is_staged_in_clear() -> None:
    leaks = []
    for key, name, table in FACTS.tables():
        for made in table.staging.columns.values() if table.staging else ():
            held = [table.columns[source].holds for source in made.of]
            if made.way == "copy" and any(is_direct_identifier(word) for word in held):
                leaks.append(f"{key}:{name}")
            if any(word.startswith(("user.content", "user.name", "user.contact.email")) for word in held):
                leaks.append(f"{key}:{name}")
    # That there is a photo or not is all that is told of a person's content.
    assert leaks == ["genletter/profile:user_profiles"]


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


def test_expectations_name_declared_columns_and_hold_no_value_of_a_person() -> None:
    for key, name, table in FACTS.tables():
        for expected in table.expectations:
            assert set(expected.columns) <= set(table.columns), f"{key}:{name}"
            for word in expected.arguments.get("value_set", ()):
                assert re.fullmatch("[A-Za-z_]{2,20}", word), f"{key}:{name}"


def test_great_expectations_accepts_every_expectation() -> None:
    import great_expectations.expectations as gxe

    expected = [item for _, _, table in FACTS.tables() for item in table.expectations]
    for item in expected:
        getattr(gxe, "".join(word.capitalize() for word in item.expect.split("_")))(**item.arguments)
    assert len(expected) > 40


def test_certificates_are_those_that_the_policy_lists() -> None:
    listed = {key: [c.name for c in provider.certificates] for key, provider in FACTS.processors.items()}
    ovh = "ISO 27001, SOC 1 TYPE II, SOC 2 TYPE II, PCI-DSS, CISPE, SecNumCloud, CSA STAR"
    aws = "ISO 9001, ISO 27001, ISO 27017, ISO 27018, SOC 1, SOC 2, SOC 3, PCI-DSS, HIPAA, CISPE, CSA STAR"
    assert listed["ovhcloud"] == ovh.split(", ")
    assert listed["aws"] == aws.split(", ")
    assert all(listed[payment] == ["PCI-DSS"] for payment in ("flutterwave", "notchpay", "stripe"))


def test_used_and_not_listed_is_said() -> None:
    unlisted = {key for key, provider in FACTS.processors.items() if not provider.listed}
    assert unlisted == {"pawapay", "whatsapp"}
    assert all(FACTS.processors[key].note for key in unlisted)


def test_payment_processors_receive_the_order_name_and_email_alone() -> None:
    allowed = {"user.order", "user.name", "user.contact.email"}
    assert all(set(FACTS.processors[key].receives) == allowed for key in ("flutterwave", "notchpay", "stripe"))


def test_every_clause_has_a_keeper_and_every_sentence_its_words() -> None:
    assert len(FACTS.clauses) == 73
    told = set(FACTS.vocabulary.events)
    silent = {
        reference
        for category in FACTS.categories.values()
        for rule in [*category.retention, *(r for table in category.tables.values() for r in table.retention)]
        for anchor in (
            rule.since,
            rule.otherwise,
            rule.floor and rule.floor.since,
            rule.law and rule.law.since,
        )
        if anchor
        for reference in anchor.of
        if reference not in told
    }
    assert silent == set()


def _words(fact: object) -> Iterator[Words]:
    if isinstance(fact, Words):
        yield fact
    elif isinstance(fact, Value):
        for name in type(fact).model_fields:
            yield from _words(getattr(fact, name))
    elif isinstance(fact, dict):
        for inner in fact.values():
            yield from _words(inner)
    elif isinstance(fact, tuple):
        for inner in fact:
            yield from _words(inner)


def test_every_text_is_in_two_languages() -> None:
    names = {provider.title.en for provider in FACTS.processors.values()}
    facts = [
        *FACTS.categories.values(),
        *FACTS.processors.values(),
        *FACTS.procedures.values(),
        *FACTS.questions.values(),
        FACTS.vocabulary,
    ]
    same = [words.en for fact in facts for words in _words(fact) if words.fr == words.en and words.en not in names]
    assert same == []


def test_files_of_our_own_end_when_backups_do_at_the_latest() -> None:
    kept = [objects.keep for category in FACTS.categories.values() for objects in category.objects if objects.keep]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(period.end(moment) <= Period("P12M").end(moment) for period in kept)
