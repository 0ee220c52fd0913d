"""A rule reads as an officer would write it, in both languages; the golden file is what people see."""

from __future__ import annotations

from typing import Any

import pytest

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.value import Words
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.periods import say_period
from genuka_pipelines.words.rules import say_rule

VOCABULARY = Vocabulary(
    purposes={},
    subjects={},
    classifications={},
    events={
        "ended_at": Words(fr="leur fin", en="they end"),
        "started_at": Words(fr="leur début", en="they start"),
        "decided_at": Words(fr="la décision", en="the decision"),
        "tenant_databases.last_used_at": Words(fr="la dernière utilisation", en="its last use"),
    },
    triggers={
        "on_request": Words(fr="sur demande", en="on request"),
        "processed": Words(fr="une fois traités", en="once processed"),
    },
)
WHAT = Words(fr="Enregistrements de session", en="Session recordings")

GOLDEN: list[tuple[dict[str, Any], str, str]] = [
    (
        {"keep": "P1M", "since": "ended_at", "sooner": {"on_request": "a", "processed": "b"}, "clause": "GK-39"},
        "Enregistrements de session : effacement un mois après leur fin,"
        " plus tôt sur demande ou une fois traités (GK-39).",
        "Session recordings: deleted one month after they end, sooner on request or once processed (GK-39).",
    ),
    (
        {"keep": "P3Y", "since": "decided_at", "otherwise": "started_at", "ceiling": "P2Y", "clause": "GK-33"},
        "Enregistrements de session : effacement 2 ans après la décision (à défaut, leur début)"
        " (promesse : 3 ans ; la limite plus basse s'applique) (GK-33).",
        "Session recordings: deleted 2 years after the decision (failing that, after they start)"
        " (promised: 3 years; the lower limit applies) (GK-33).",
    ),
    (
        {
            "keep": "P0D",
            "since": "ended_at",
            "when": {"state": ("closed", "void"), "ended_at": "present"},
            "floor": {"keep": "P4M", "since": "tenant_databases.last_used_at"},
            "action": "drop_database",
            "notices": ("P30D", "P7D", "P1D"),
            "clause": "GK-38",
        },
        "Enregistrements de session : effacement de la base de données dès leur fin, si `state` vaut closed ou void et"
        " `ended_at` est renseigné, jamais avant 4 mois après la dernière utilisation ;"
        " préavis 30 jours, 7 jours et un jour avant (GK-38).",
        "Session recordings: dropped with the database right after they end, where `state` is closed or void and"
        " `ended_at` is set, never before 4 months after its last use;"
        " notice 30 days, 7 days and one day before (GK-38).",
    ),
    (
        {
            "keep": "P1Y",
            "since": {"latest": ["ended_at", "seen_at"]},
            "law": {"since": "ended_at", "minimum": {"FR": "P10Y", "CM": "P10Y"}, "basis": "commercial code"},
            "clause": "GK-19",
        },
        "Enregistrements de session : effacement un an après leur fin ou `seen_at` (selon ce qui arrive en dernier) ;"
        " la loi fait conserver 10 ans (FR, CM) après leur fin (commercial code),"
        " le reste étant rendu anonyme (GK-19).",
        "Session recordings: deleted one year after they end or `seen_at` (whichever comes last);"
        " the law has it kept 10 years (FR, CM) after they end (commercial code),"
        " the rest being anonymised (GK-19).",
    ),
]


@pytest.mark.parametrize(("rule", "french", "english"), GOLDEN, ids=[golden[0]["clause"] for golden in GOLDEN])
def test_a_rule_in_words(rule: dict[str, Any], french: str, english: str) -> None:
    value = Rule.model_validate(rule)
    assert say_rule(value, WHAT, VOCABULARY, "fr") == french
    assert say_rule(value, WHAT, VOCABULARY, "en") == english


@pytest.mark.parametrize(
    ("text", "french", "english"),
    [
        ("P1M", "un mois", "one month"),
        ("P12M", "12 mois", "12 months"),
        ("P1Y", "un an", "one year"),
        ("P3Y", "3 ans", "3 years"),
        ("P18M", "un an et 6 mois", "one year and 6 months"),
        ("P1Y2M3D", "un an, 2 mois et 3 jours", "one year, 2 months and 3 days"),
        ("P1W", "7 jours", "7 days"),
        ("P0D", "", ""),
    ],
)
def test_a_period_in_words(text: str, french: str, english: str) -> None:
    assert say_period(Period(text), "fr") == french
    assert say_period(Period(text), "en") == english
