"""Columns hold what the policies list: no special category, no card, and every excess known."""

from __future__ import annotations

from genuka_pipelines.catalog.vocabulary import is_personal
from tests.catalog.facts import FACTS

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


def _personal(category: str, *tables: str) -> dict[str, set[str]]:
    """Classifications of people's data, and the columns that hold each."""
    held: dict[str, set[str]] = {}
    for name in tables:
        for column, declared in FACTS.categories[category].tables[name].columns.items():
            if is_personal(declared.holds):
                held.setdefault(declared.holds, set()).add(column)
    return held


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
