"""Every clause has its words, and every text stands in two languages."""

from __future__ import annotations

from collections.abc import Iterator

from genuka_pipelines.catalog.value import Value, Words
from tests.catalog.facts import FACTS


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
