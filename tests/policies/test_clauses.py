"""The register of promises: complete, in our own words, and in both languages.

A clause that lost a figure, or a capability that names a clause nobody wrote, would make the report
say *kept* of something else than what was promised.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "assets" / "policies"
COUNT = {"genuka": ("GK", 58), "genletter": ("GL", 15)}
KINDS = {"enforced", "checked", "declared", "procedure"}
CAPABILITIES = {
    "retention_sweep", "backup_replication", "restore_drill", "backup_expiry", "analytics_aggregation",
    "answer_request", "tenant_export", "build_audience", "share_with_event_partners", "close_access",
    "processors", "procedures", "report",
}  # fmt: skip

# What the policies fix with a number or a name: (clause, what both texts hold, what each one holds).
FIGURES: list[tuple[str, list[str], str, str]] = [
    ("GK-06", ["LIGHT", "PRO"], "", ""),
    ("GK-07", ["ENTERPRISE"], "", ""),
    ("GK-17", ["PostHog"], "", ""),
    ("GK-25", ["OVHcloud", "cookies"], "autres serveurs", "other servers"),
    ("GK-26", ["AWS", "PDF", "logos"], "", ""),
    ("GK-27", ["PostHog"], "", ""),
    ("GK-28", ["Cloudflare"], "", ""),
    ("GK-29", ["Flutterwave", "NotchPay", "Stripe", "description"], "montant", "amount"),
    ("GK-30", ["Cloudflare"], "", ""),
    ("GK-33", [], "3 ans", "3 years"),
    ("GK-35", [], "12 mois", "12 months"),
    ("GK-36", [], "3 mois", "3 months"),
    ("GK-36", [], "7 jours", "7 days"),
    ("GK-38", ["ENTERPRISE"], "4 mois", "4 months"),
    ("GK-39", [], "un mois", "one month"),
    ("GK-40", [], "12 mois", "12 months"),
    ("GK-43", ["Europe"], "", ""),
    ("GK-44", ["France"], "États-Unis", "USA"),
    ("GK-48", ["PCI-DSS"], "", ""),
    ("GK-52", ["WhatsApp"], "e-mail", "e-mail"),
    ("GK-57", ["SecNumCloud", "SOC 1 type II", "SOC 2 type II", "CISPE", "CSA STAR", "PCI-DSS"], "", ""),
    ("GK-57", ["HIPAA", "ISO 9001", "ISO 27001", "ISO 27017", "ISO 27018", "SOC 3"], "", ""),
    ("GL-02", ["Stripe"], "", ""),
    ("GL-03", ["Tawk.to"], "", ""),
    ("GL-11", ["Stripe", "Tawk.to"], "", ""),
    ("GL-14", ["Europe"], "RGPD", "GDPR"),
]


@cache
def facts(folder: str) -> dict[str, Any]:
    """The attributes of one file of policies, as YAML gives them."""
    content = yaml.safe_load((POLICIES / folder / "defs.yaml").read_text(encoding="utf-8"))
    attributes: dict[str, Any] = content["attributes"]
    return attributes


def all_clauses() -> dict[str, dict[str, Any]]:
    return {clause["id"]: clause for product in COUNT for clause in facts(product)["clauses"]}


CLAUSES = all_clauses()


@pytest.mark.parametrize(("product", "prefix", "count"), [(p, *c) for p, c in COUNT.items()])
def test_ids_are_contiguous(product: str, prefix: str, count: int) -> None:
    ids = [clause["id"] for clause in facts(product)["clauses"]]
    assert ids == [f"{prefix}-{number:02d}" for number in range(1, count + 1)]


def test_there_are_73_and_each_says_how_it_is_kept() -> None:
    assert len(CLAUSES) == 73
    for clause in CLAUSES.values():
        assert clause["kind"], clause["id"]
        assert set(clause["kind"]) <= KINDS, clause["id"]
        assert len(set(clause["kind"])) == len(clause["kind"]), clause["id"]


def test_versions_say_what_the_texts_say() -> None:
    assert facts("genuka")["version"] == "2024-05-03"
    assert {str(clause["since"]) for clause in facts("genuka")["clauses"]} == {"2024-05-03"}
    assert facts("genletter")["version"] == "undated"
    assert set(facts("genletter")["note"]) == {"fr", "en"}
    assert not any("since" in clause for clause in facts("genletter")["clauses"])


def test_every_text_exists_in_both_languages() -> None:
    texts = [(clause["id"], clause["text"]) for clause in CLAUSES.values()]
    for product in COUNT:
        for tension in facts(product)["tensions"]:
            texts += [(tension["id"], tension["text"]), (tension["id"], tension["decision"])]
    texts += [(name, plan["until"]) for name, plan in facts("planned")["capabilities"].items()]
    for name, text in texts:
        assert set(text) == {"fr", "en"}, name
        assert text["fr"].strip() == text["fr"] != "", name
        assert text["en"].strip() == text["en"] != "", name
        assert text["fr"] != text["en"], name
    french = re.compile(r"\b(le|la|les|de|des|une?|du|est|sont|et|à)\b", re.IGNORECASE)
    english = re.compile(r"\b(the|an|is|are|of|to|and|any|may|for|by|or|no|until)\b", re.IGNORECASE)
    for name, text in texts:
        for language, own, other in (("fr", french, english), ("en", english, french)):
            assert len(own.findall(text[language])) > len(other.findall(text[language])), (name, language)


def test_a_clause_is_one_to_three_plain_sentences() -> None:
    for clause in CLAUSES.values():
        for text in clause["text"].values():
            assert text[0].isupper(), clause["id"]
            assert text.endswith("."), clause["id"]
            assert len(re.findall(r"[.!?](?:\s|$)", text)) <= 3, clause["id"]


def test_no_two_clauses_read_alike() -> None:
    for language in ("fr", "en"):
        texts = [clause["text"][language] for clause in CLAUSES.values()]
        assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("clause", "both", "fr", "en"), FIGURES)
def test_figures_and_names_are_preserved(clause: str, both: list[str], fr: str, en: str) -> None:
    text = CLAUSES[clause]["text"]
    assert all(word in text["fr"] and word in text["en"] for word in both)
    assert fr in text["fr"]
    assert en in text["en"]


def test_both_languages_hold_the_same_numbers() -> None:
    for clause in CLAUSES.values():
        french, english = (sorted(re.findall(r"\d+", clause["text"][key])) for key in ("fr", "en"))
        assert french == english, clause["id"]


def test_every_clause_that_is_named_exists() -> None:
    named = {c for plan in facts("planned")["capabilities"].values() for c in plan["clauses"]}
    for product, (prefix, _) in COUNT.items():
        named |= {clause for tension in facts(product)["tensions"] for clause in tension["clauses"]}
        carried = {clause for sentence in facts(product)["sentences"] for clause in sentence["clauses"]}
        assert all(clause.startswith(prefix) for clause in carried), "a sentence carries another policy's clause"
        named |= carried
    assert named <= set(CLAUSES), sorted(named - set(CLAUSES))


def test_the_seven_tensions() -> None:
    found = {t["id"]: set(t["clauses"]) for product in COUNT for t in facts(product)["tensions"]}
    assert found == {
        "payment_details": {"GL-02", "GK-02"},
        "applicants_three_years": {"GK-33"},
        "backups_unmentioned": {"GL-08", "GK-24", "GK-40", "GK-44"},
        "aws_usa": {"GK-26", "GK-44"},
        "analytics_cookies": {"GK-15", "GK-25"},
        "recordings_ux_only": {"GK-17", "GK-51"},
        "providers_not_listed": {"GK-29", "GK-52", "GK-55"},
    }


def test_planned_capabilities_are_known_and_name_each_clause_once() -> None:
    capabilities = facts("planned")["capabilities"]
    assert set(capabilities) <= CAPABILITIES
    for name, plan in capabilities.items():
        assert plan["clauses"], name
        assert plan["clauses"] == sorted(set(plan["clauses"])), name
