"""Every declared rule in both languages, as an officer reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest

from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.value import Language, Words
from genuka_pipelines.words.rules import say_rule
from tests.words.golden import agreed


def declared() -> Iterator[tuple[str, Words, Rule]]:
    for key, category in load_catalog().categories.items():
        for name, table in category.tables.items():
            for rule in table.retention:
                yield f"{key}.{name}", category.title, rule
        for rule in category.retention:
            yield key, category.title, rule


@pytest.mark.parametrize("language", get_args(Language))
def test_every_rule_reads_as_agreed(language: Language) -> None:
    vocabulary = load_catalog().vocabulary
    lines = []
    for where, title, rule in declared():
        name = f" {rule.name}" if rule.name else ""
        lines.append(f"{where}{name}\n    {say_rule(rule, title, vocabulary, language)}")
    agreed(f"rules.{language}.txt", lines)


@pytest.mark.parametrize("language", get_args(Language))
def test_every_event_and_trigger_has_words(language: Language) -> None:
    """Columns of a state may stand by their names; what a period runs from, or is ended by, may not."""
    vocabulary = load_catalog().vocabulary
    for where, title, rule in declared():
        said = say_rule(rule.model_copy(update={"when": {}}), title, vocabulary, language)
        assert not re.findall(r"`\w+`", said), where
