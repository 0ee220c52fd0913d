"""Prints a retention rule as the sentence that a privacy officer would write.

The rule that is enforced and the rule that is read must be one; so the words come from the value.
"""

from __future__ import annotations

from genuka_pipelines.catalog.rule import Anchor, Rule
from genuka_pipelines.catalog.state import State
from genuka_pipelines.catalog.value import Language, Words
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.periods import say_or, say_period

_VERB: dict[str, dict[Language, str]] = {
    "delete": {"fr": "supprimé", "en": "deleted"},
    "anonymise": {"fr": "rendu anonyme", "en": "anonymised"},
    "drop_database": {"fr": "supprimé avec sa base de données", "en": "dropped with the database"},
}
_TEXT: dict[str, dict[Language, str]] = {
    "main": {"fr": "{what} : {verb} {after}", "en": "{what}: {verb} {after}"},
    "after": {"fr": "{period} après {event}", "en": "{period} after {event}"},
    "at_once": {"fr": "dès {event}", "en": "as soon as {event}"},
    "otherwise": {"fr": "à défaut, {event}", "en": "failing that, {event}"},
    "when": {"fr": " si {state}", "en": " where {state}"},
    "sooner": {"fr": ", plus tôt {triggers}", "en": ", sooner {triggers}"},
    "floor": {"fr": ", jamais avant {period} après {event}", "en": ", never before {period} after {event}"},
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
    "latest": {"fr": "le dernier de : {events}", "en": "the latest of: {events}"},
    "earliest": {"fr": "le premier de : {events}", "en": "the earliest of: {events}"},
    "present": {"fr": "{column} est renseigné", "en": "{column} is set"},
    "absent": {"fr": "{column} n'est pas renseigné", "en": "{column} is not set"},
    "is": {"fr": "{column} vaut {values}", "en": "{column} is {values}"},
    "and": {"fr": " et ", "en": " and "},
}


def say_rule(rule: Rule, what: Words, vocabulary: Vocabulary, language: Language) -> str:
    """One sentence: what is deleted, when, what moves that date, and the clause that says so."""

    def text(name: str, **values: str) -> str:
        return _TEXT[name][language].format(**values)

    event = say_anchor(rule.since, vocabulary, language)
    if rule.otherwise:
        event += f" ({text('otherwise', event=say_anchor(rule.otherwise, vocabulary, language))})"
    period = say_period(rule.period, language)
    after = text("after", period=period, event=event) if period else text("at_once", event=event)
    said = text("main", what=what(language), verb=_VERB[rule.action][language], after=after)
    if rule.when:
        said += text("when", state=_state(rule.when, language))
    if rule.sooner:
        labels = [_label(name, vocabulary, language) for name in rule.sooner]
        said += text("sooner", triggers=say_or(labels, language))
    if rule.floor:
        said += text(
            "floor",
            period=say_period(rule.floor.keep, language),
            event=say_anchor(rule.floor.since, vocabulary, language),
        )
    if rule.ceiling:
        said += text("ceiling", period=say_period(rule.keep, language))
    if rule.law:
        minimum = say_or(
            [f"{say_period(period, language)} ({country})" for country, period in rule.law.minimum.items()],
            language,
        )
        said += text(
            "law",
            minimum=minimum,
            event=say_anchor(rule.law.since, vocabulary, language),
            basis=rule.law.basis,
        )
        if rule.law.meanwhile == "anonymise":
            said += text("anonymised")
    if rule.notices:
        said += text("notices", notices=say_or([say_period(notice, language) for notice in rule.notices], language))
    return f"{said} ({rule.clause})."


def say_anchor(anchor: Anchor, vocabulary: Vocabulary, language: Language) -> str:
    """The event from which a period runs; a column without words is shown by its name."""
    events = [_event(reference, vocabulary, language) for reference in anchor.of]
    if len(events) == 1:
        return events[0]
    if anchor.pick == "first_known":
        failing = _TEXT["otherwise"][language]
        return events[0] + "".join(f" ({failing.format(event=event)})" for event in events[1:])
    return _TEXT[anchor.pick][language].format(events=", ".join(events))


def _event(reference: str, vocabulary: Vocabulary, language: Language) -> str:
    said = vocabulary.events.get(reference) or vocabulary.events.get(reference.rpartition(".")[2])
    return said(language) if said else f"`{reference}`"


def _label(name: str, vocabulary: Vocabulary, language: Language) -> str:
    said = vocabulary.triggers.get(name)
    return said(language) if said else f"`{name}`"


def _state(state: State, language: Language) -> str:
    said = []
    for column, value in state.items():
        if value in ("present", "absent"):
            said.append(_TEXT[str(value)][language].format(column=f"`{column}`"))
        else:
            values = value if isinstance(value, tuple) else (str(value).lower(),)
            said.append(_TEXT["is"][language].format(column=f"`{column}`", values=say_or(values, language)))
    return _TEXT["and"][language].join(said)
