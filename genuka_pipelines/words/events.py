"""Says what a rule reads of a row: an event, several of them, what ends a period sooner, a state.

The rule and the verdict on a row name the same events; two lists of words would drift apart.
"""

from __future__ import annotations

from genuka_pipelines.catalog.rule import Anchor
from genuka_pipelines.catalog.state import State
from genuka_pipelines.catalog.value import Language
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.words.periods import say_and, say_or

_TEXT: dict[str, dict[Language, str]] = {
    "otherwise": {"fr": " (à défaut, {event})", "en": " (failing that, after {event})"},
    "latest": {
        "fr": "{events} (selon ce qui arrive en dernier)",
        "en": "{events} (whichever comes last)",
    },
    "earliest": {
        "fr": "{events} (selon ce qui arrive en premier)",
        "en": "{events} (whichever comes first)",
    },
    "present": {"fr": "{column} est renseigné", "en": "{column} is set"},
    "absent": {"fr": "{column} n'est pas renseigné", "en": "{column} is not set"},
    "is": {"fr": "{column} vaut {values}", "en": "{column} is {values}"},
}


def say_event(reference: str, vocabulary: Vocabulary, language: Language) -> str:
    """The event that a column records, to follow "after"; a column without words is shown by its name."""
    said = vocabulary.events.get(reference) or vocabulary.events.get(reference.rpartition(".")[2])
    return said(language) if said else f"`{reference}`"


def say_trigger(name: str, vocabulary: Vocabulary, language: Language) -> str:
    """What ends a period sooner, to follow "sooner"."""
    said = vocabulary.triggers.get(name)
    return said(language) if said else f"`{name}`"


def say_anchor(anchor: Anchor, vocabulary: Vocabulary, language: Language) -> str:
    """The event from which a period runs."""
    events = [say_event(reference, vocabulary, language) for reference in anchor.of]
    if len(events) == 1:
        return events[0]
    if anchor.pick == "first_known":
        return events[0] + "".join(say_otherwise(event, language) for event in events[1:])
    return _TEXT[anchor.pick][language].format(events=say_or(events, language))


def say_otherwise(event: str, language: Language) -> str:
    """The event from which a period runs where the one before it has no date."""
    return _TEXT["otherwise"][language].format(event=event)


def say_state(state: State, language: Language) -> str:
    """The state that a row must be in, to follow "where" and "si"."""
    said = []
    for column, value in state.items():
        if value in ("present", "absent"):
            said.append(_TEXT[str(value)][language].format(column=f"`{column}`"))
        else:
            values = value if isinstance(value, tuple) else (str(value).lower(),)
            said.append(_TEXT["is"][language].format(column=f"`{column}`", values=say_or(values, language)))
    return say_and(said, language)
