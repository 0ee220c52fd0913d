"""Every heading of a policy has its categories, and every category a heading or a reason of our own."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.catalog.facts import FACTS

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

OWN = {"media", "backups", "exports", "staging", "run_history", "requests", "request_register", "ledger_and_holds"}

LONGEST_KEY = 26


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
