"""Says why a row is kept until a moment, or may go: by a promise, or by the law.

An answer that named the date and not the reason could be neither checked nor contested.
"""

from __future__ import annotations

from genuka_pipelines.catalog.promise import Minimum, Promise
from genuka_pipelines.catalog.rule import LegalMinimum, Rule
from genuka_pipelines.catalog.value import Language
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.events import say_anchor, say_event, say_state, say_trigger
from genuka_pipelines.words.rules import say_after, say_ceiling, say_floor

_TEXT: dict[str, dict[Language, str]] = {
    "idle": {"fr": "ne s'applique que si {state}", "en": "applies only where {state}"},
    "gone": {
        "fr": "la ligne à laquelle elle tient n'existe plus, et rien ne dit depuis quand : aucune durée ne peut courir",
        "en": "the row it belongs to is no more, and nothing says since when: no period can run",
    },
    "orphan": {
        "fr": "elle ne nomme aucune telle ligne",
        "en": "it names no such row",
    },
    "sooner": {"fr": "plus tôt, {trigger}", "en": "sooner, {trigger}"},
    "fallback": {"fr": "{after} (sans date pour : {event})", "en": "{after} (no date for: {event})"},
    "undated": {"fr": "{after}, et cette date manque", "en": "{after}, and that date is missing"},
    "law": {"fr": "{after} ({basis})", "en": "{after} ({basis})"},
    "country": {"fr": "{country} ; {basis}", "en": "{country}; {basis}"},
    "no_country": {
        "fr": "pays inconnu, donc la durée la plus longue ; {basis}",
        "en": "country unknown, so the longest period; {basis}",
    },
}


def say_promise(promise: Promise, rule: Rule, vocabulary: Vocabulary, language: Language) -> str:
    """ "one month after they end", "sooner, on request", "applies only where `hired_at` is set"."""

    def text(name: str, **values: str) -> str:
        return _TEXT[name][language].format(**values)

    event = say_event(promise.event or "", vocabulary, language)
    match promise.why:
        case "no rule applies":
            return text("idle", state=say_state(rule.when, language)) if rule.when else text("orphan")
        case "gone":
            return text("gone")
        case "sooner":
            return text("sooner", trigger=say_trigger(promise.event or "", vocabulary, language))
        case "floor" if rule.floor:
            return say_floor(rule.floor.keep, event, language)
        case "undated" if rule.floor and promise.since:
            floor = say_anchor(rule.floor.since, vocabulary, language)
            return text("undated", after=say_floor(rule.floor.keep, floor, language))
        case "undated":
            return text("undated", after=say_after(rule.period, say_anchor(rule.since, vocabulary, language), language))
    said = say_after(rule.period, event, language)
    if promise.event not in rule.since.of:
        said = text("fallback", after=said, event=say_anchor(rule.since, vocabulary, language))
    return said + say_ceiling(rule.keep, language) if promise.why == "ceiling" else said


def say_minimum(minimum: Minimum, law: LegalMinimum, vocabulary: Vocabulary, language: Language) -> str:
    """ "10 years after the invoice is issued (FR; Code de commerce L123-22)"."""

    def text(name: str, **values: str) -> str:
        return _TEXT[name][language].format(**values)

    basis = law.basis
    if minimum.country:
        basis = text("country", country=minimum.country, basis=basis)
    elif law.country:
        basis = text("no_country", basis=basis)
    if minimum.event:
        after = say_after(minimum.period, say_event(minimum.event, vocabulary, language), language)
    else:
        after = say_after(minimum.period, say_anchor(law.since, vocabulary, language), language)
        after = text("undated", after=after)
    return text("law", after=after, basis=basis)
