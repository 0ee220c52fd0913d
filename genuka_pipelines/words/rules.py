"""Prints a retention rule as the sentence that a privacy officer would write.

The rule that is enforced and the rule that is read must be one; so the words come from the value.
"""

from __future__ import annotations

from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import LegalMinimum, Rule
from genuka_pipelines.catalog.value import Language, Words
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.events import say_anchor, say_otherwise, say_state, say_trigger
from genuka_pipelines.words.periods import say_and, say_or, say_period

_DEED: dict[str, dict[Language, str]] = {
    "delete": {"fr": "effacement", "en": "deleted"},
    "anonymise": {"fr": "anonymisation", "en": "anonymised"},
    "drop_database": {"fr": "effacement de la base de données", "en": "dropped with the database"},
}
_TEXT: dict[str, dict[Language, str]] = {
    "main": {"fr": "{what} : {deed} {after}", "en": "{what}: {deed} {after}"},
    "after": {"fr": "{period} après {event}", "en": "{period} after {event}"},
    "at_once": {"fr": "dès {event}", "en": "right after {event}"},
    "when": {"fr": ", si {state}", "en": ", where {state}"},
    "sooner": {"fr": ", plus tôt {triggers}", "en": ", sooner {triggers}"},
    "floor": {"fr": "jamais avant {after}", "en": "never before {after}"},
    "ceiling": {
        "fr": " (promesse : {period} ; la limite plus basse s'applique)",
        "en": " (promised: {period}; the lower limit applies)",
    },
    "law": {
        "fr": " ; la loi fait conserver {minimum} après {event} ({basis})",
        "en": "; the law has it kept {minimum} after {event} ({basis})",
    },
    "anonymised": {"fr": ", le reste étant rendu anonyme", "en": ", the rest being anonymised"},
    "notices": {"fr": " ; préavis {notices} avant", "en": "; notice {notices} before"},
}


def say_rules(category: Category, vocabulary: Vocabulary, language: Language) -> list[str]:
    """Every rule of a category as a line of a Markdown list, with the table it stands on."""
    return [
        f"- {f'`{table}`, ' if table else ''}{say_rule(rule, category.title, vocabulary, language)}"
        for table, rule in category.rules
    ]


def say_rule(rule: Rule, what: Words, vocabulary: Vocabulary, language: Language) -> str:
    """One sentence: what is deleted, when, what moves that date, and the clause that says so."""
    event = say_anchor(rule.since, vocabulary, language)
    if rule.otherwise:
        event += say_otherwise(say_anchor(rule.otherwise, vocabulary, language), language)
    said = _text(
        "main",
        language,
        what=what(language),
        deed=_DEED[rule.action][language],
        after=say_after(rule.period, event, language),
    )
    if rule.ceiling:
        said += say_ceiling(rule.keep, language)
    if rule.when:
        said += _text("when", language, state=say_state(rule.when, language))
    if rule.sooner:
        labels = [say_trigger(name, vocabulary, language) for name in rule.sooner]
        said += _text("sooner", language, triggers=say_or(labels, language))
    if rule.floor:
        said += ", " + say_floor(rule.floor.keep, say_anchor(rule.floor.since, vocabulary, language), language)
    if rule.law:
        event = say_anchor(rule.law.since, vocabulary, language)
        said += _text("law", language, minimum=_minimum(rule.law, language), event=event, basis=rule.law.basis)
        if rule.law.meanwhile == "anonymise":
            said += _text("anonymised", language)
    if rule.notices:
        said += _text(
            "notices", language, notices=say_and([say_period(notice, language) for notice in rule.notices], language)
        )
    return f"{said} ({rule.clause})."


def say_after(period: Period, event: str, language: Language) -> str:
    """ "one month after they end"; for no period at all, "right after they end"."""
    said = say_period(period, language)
    return _text("after", language, period=said, event=event) if said else _text("at_once", language, event=event)


def say_floor(period: Period, event: str, language: Language) -> str:
    """ "never before 4 months after the last use"."""
    return _text("floor", language, after=say_after(period, event, language))


def say_ceiling(promised: Period, language: Language) -> str:
    """That a longer period was promised, to follow the lower one."""
    return _text("ceiling", language, period=say_period(promised, language))


def _minimum(law: LegalMinimum, language: Language) -> str:
    countries: dict[Period, list[str]] = {}
    for country, period in law.minimum.items():
        countries.setdefault(period, []).append(country)
    said = [f"{say_period(period, language)} ({', '.join(found)})" for period, found in countries.items()]
    return say_or(said, language)


def _text(name: str, language: Language, **values: str) -> str:
    return _TEXT[name][language].format(**values)
