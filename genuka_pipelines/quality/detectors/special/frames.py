"""Who is speaking, found once a text: the frames in which every rule about words is written.

Each rule asking anew for "I am", "the candidate is" and thirty other openings made a letter cost
twenty milliseconds to read; a mark after each opening makes the same question cost one sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.value import Value
from genuka_pipelines.quality.detectors.text import folded

Vocabulary = Mapping[str, tuple[str, ...]]
Model = TypeVar("Model", bound=BaseModel)

_NAME = re.compile(r"<([a-z_]+)>")
_FIRST_MARK: Final = 0xE010
_MARKS = re.compile(f"[{chr(_FIRST_MARK)}-{chr(_FIRST_MARK + 15)}]")


class UnreadableRule(GenukaError):
    """A rule cannot be read: what it was to find would go unseen."""


class _Frames(Value):
    persons: tuple[str, ...]
    unasked: tuple[str, ...]
    speakers: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, ...]]


def parsed(name: str, model: type[Model]) -> Model:
    """The file `name`.yaml beside this one. Raises `UnreadableRule`, which names the file and the place."""
    source = files(__package__ or "").joinpath(f"{name}.yaml")
    try:
        return model.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
    except yaml.YAMLError as wrong:
        raise UnreadableRule(f"{name}.yaml: {' '.join(str(wrong).split())}") from None
    except ValidationError as wrong:
        places = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors())
        raise UnreadableRule(f"{name}.yaml: {'; '.join(places)}") from None


@cache
def _frames() -> _Frames:
    return parsed("frames", _Frames)


def persons_on_raw_text() -> tuple[str, ...]:
    """What a gate takes for a person, as stems."""
    return _frames().persons


@cache
def shared_words() -> Vocabulary:
    """The words of every family; a speaker's name stands for the mark that `spoken` leaves after them."""
    frames = _frames()
    marks = {name: (chr(_FIRST_MARK + at),) for at, name in enumerate(frames.speakers)}
    return {**frames.words, **marks}


def spoken(raw: str) -> str:
    """`raw`, folded, without what only promises not to ask, and with a mark after each speaker."""
    unasked, speakers = _readers()
    text = unasked.sub(" · ", _MARKS.sub(" ", folded(raw)))
    for mark, speaker in speakers:
        text = speaker.sub(mark, text)
    return text


@cache
def _readers() -> tuple[re.Pattern[str], tuple[tuple[str, re.Pattern[str]], ...]]:
    frames = _frames()
    speakers = (
        (rf"\g<0>{chr(_FIRST_MARK + at)}", compiled(opening, frames.words))
        for at, opening in enumerate(frames.speakers.values())
    )
    return compiled(frames.unasked, frames.words), tuple(speakers)


def compiled(rules: tuple[str, ...], words: Vocabulary) -> re.Pattern[str]:
    """What finds any of `rules`. Raises `re.error` or `UnreadableRule` (an unknown or endless `<name>`)."""
    # Every rule starts where a word or a mark does; asking that first spares the rest most signs of a text.
    either = "|".join(f"(?:{_filled(rule, words)})" for rule in rules)
    return re.compile(rf"(?:(?<!\w)|(?={_MARKS.pattern}))(?:{either})")


def _filled(rule: str, words: Vocabulary, within: tuple[str, ...] = ()) -> str:
    """`rule` with each `<name>` replaced by its words, which may name others but not themselves."""

    def alternatives(found: re.Match[str]) -> str:
        name = found[1]
        if name not in words:
            raise UnreadableRule(f"nothing is called <{name}>: valid names are {', '.join(sorted(words))}")
        if name in within:
            raise UnreadableRule(f"<{name}> names itself")
        return f"(?:{_filled('|'.join(words[name]), words, (*within, name))})"

    return _NAME.sub(alternatives, rule)
