"""Rules about words as data: what people say of themselves and others, and what only looks like it.

A list of words would flag every Catholic school and every Western Union counter; the rules ask
for a statement *about a person*, so that what reaches a reviewer is worth a reviewer's time.
Whoever answers for the policy can read them, and change them without Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from genuka_pipelines.catalog.value import Value, Words
from genuka_pipelines.quality.detectors.detector import TEXTS, Detector
from genuka_pipelines.quality.detectors.gate import Gate, UnportableGate, gate
from genuka_pipelines.quality.detectors.special.frames import (
    UnreadableRule,
    Vocabulary,
    compiled,
    parsed,
    persons_on_raw_text,
    shared_words,
    spoken,
)

# Between two words of a stem: what a space may be written as, in a letter or in a JSON or HTML document.
_SPACE = re.compile(r" (?![^\[]*\])")
_BLANK = r"(?:[^!-}]|&[a-z0-9#]{2,7};|\\+u[0-9a-f]{4}|\\+[nrt]){1,3}"


class Labelled(Value):
    """A field of a form or a JSON document: one of `names`, then a `value` (any, unless said)."""

    names: tuple[str, ...]
    value: str = "(?!<nothing>)[a-z]"

    def rule(self) -> str:
        """The rule it stands for."""
        return rf"(?<![\w'-])(?:{'|'.join(self.names)})[\"']? ?[:=] ?[\"']?{self.value}"


class Statement(Value):
    """One detector: a text in which one of `says` or `fields` is found once `benign` is taken out."""

    title: Words
    says: tuple[str, ...] = ()
    fields: tuple[Labelled, ...] = ()
    benign: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if not self.says and not self.fields:
            raise ValueError("needs something in `says` or in `fields` to look for")
        return self


class Common(Value):
    """Words too common to read every text that has one: only with a person, or a word `beside`, is it read."""

    topics: tuple[str, ...] = Field(min_length=1)
    beside: tuple[str, ...] = ()


class Family(Value):
    """A file of rules: detectors of one kind, the words they share, and the gate they share.

    A text is read when it holds one of `stems`, or a `common` topic with somebody it may be said of.
    Both are looked for in raw text, where `~` stands for one letter that may carry an accent, and a `^` before
    or a `$` after it for the edge of a word.
    """

    kind: str
    by_default: bool = True
    stems: tuple[str, ...] = Field(min_length=1)
    common: Common | None = None
    words: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    detectors: dict[str, Statement]


def load(name: str) -> Iterator[Detector]:
    """The detectors of the family `name`. Raises `UnreadableRule`, which names the file and the detector."""
    family = parsed(name, Family)
    words = {**shared_words(), **family.words}
    try:
        through = _gate(family)
    except UnportableGate as wrong:
        raise UnreadableRule(f"{name}.yaml: {wrong}") from None
    for its_id, statement in family.detectors.items():
        try:
            yield _detector(its_id, family, statement, words, through)
        except (re.error, UnreadableRule) as wrong:
            raise UnreadableRule(f"{name}.yaml, detector {its_id}: {wrong}") from None


def _gate(family: Family) -> Gate:
    if family.common is None:
        return gate(_any(family.stems))
    persons = (*persons_on_raw_text(), *family.common.beside)
    topics = _any(family.common.topics)
    return gate(_any(family.stems), (topics, _any(persons)), coarse=f"{_any(family.stems)}|{topics}")


def _any(stems: tuple[str, ...]) -> str:
    return "|".join(_edged(stem) for stem in stems)


def _edged(stem: str) -> str:
    # In a JSON document a line break is two signs, the second of them a letter.
    begin = r"(?:^|[^a-z]|\\+[nrt])" if stem.startswith("^") else ""
    end = "(?:[^a-z]|$)" if stem.endswith("$") else ""
    return begin + _SPACE.sub(lambda _: _BLANK, stem.removeprefix("^").removesuffix("$")) + end


def _detector(its_id: str, family: Family, statement: Statement, words: Vocabulary, through: Gate) -> Detector:
    says = compiled((*statement.says, *(one.rule() for one in statement.fields)), words)
    benign = compiled(statement.benign, words) if statement.benign else None

    def flags(text: str) -> bool:
        return bool(says.search(benign.sub(" · ", text) if benign else text))

    return Detector(
        id=its_id,
        kind=family.kind,
        title=statement.title,
        applies_to=TEXTS,
        gate=through,
        reads=spoken,
        flags=flags,
        by_default=family.by_default,
    )
