"""Cuts a policy's text into sentences and compares them with the map that ties each to its clauses.

A clause is only worth what it covers: without this, a sentence that promises something nobody
keeps would go unseen, and so would a word changed in the next version of a policy.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from genuka_pipelines.catalog.policy import SentenceAt

_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
_EDGES = "*•|" + "".join(filter(str.isspace, map(chr, range(0x3001))))
# A mark with what closes beside it, then the next word; or the edge of a table's cell.
_MARK = re.compile(r"(?<![.!?…])([.!?…]++(?:[)\]»\"'’”]|\s»)*+)(?P<gap>[\s•*]*+)(?:[«\"'“‘(\[]\s?)*+(?P<next>\w)|\|")
# Words whose full stop ends nothing, beside single capitals: "cf. notre liste", "A. Sous-traitants".
_SHORT = {"cf", "art", "ex", "p", "no", "No", "M", "MM", "Mme", "Mr", "Dr", "St", "Inc", "Ltd", "www"}


@dataclass(frozen=True)
class Sentence:
    """A piece of a policy: `text == policy[start:end]`, offsets in characters, no space around it."""

    start: int
    end: int
    text: str

    @property
    def sha256(self) -> str:
        """The first 16 hex digits of the SHA-256 of the text, as the map stores it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Change:
    """Neighbouring sentences that changed: as they read now, and the entries of what they replace."""

    now: tuple[Sentence, ...]
    was: tuple[SentenceAt, ...]

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses touched; none where all is new, and somebody must say which it carries."""
        return tuple(dict.fromkeys(clause for entry in self.was for clause in entry.clauses))


def split(text: str) -> list[Sentence]:
    """Every sentence, heading, table cell and list item of `text` that has a letter or digit, in order.

    A heading stuck to the sentence before it, as pages copied as text leave it, is one of its own.
    """
    found = []
    for start, end in _pieces(text):
        words = text[start:end].strip(_EDGES)
        if any(c.isalnum() for c in words):
            at = text.index(words, start)
            found.append(Sentence(at, at + len(words), words))
    return found


def unmapped(text: str, sentences: Sequence[SentenceAt]) -> list[Sentence]:
    """The sentences of `text` that neither carry a clause nor say why not, by position and words."""
    known = {(*entry.at, entry.sha256) for entry in sentences if entry.clauses or entry.why}
    return [s for s in split(text) if (s.start, s.end, s.sha256) not in known]


def moved(text: str, sentences: Sequence[SentenceAt]) -> list[Change]:
    """What a new version of the policy changed, in order: reworded, new, gone or put elsewhere.

    Words are compared, so a sentence pushed along by text before it is no change; one that now
    stands among other sentences is, for its meaning may have changed with its heading.
    """
    return [Change(tuple(now), tuple(was)) for was, now, same in _runs(text, sentences) if not same]


def carried(text: str, sentences: Sequence[SentenceAt]) -> list[SentenceAt]:
    """The map for a new version: what stayed keeps its clauses at its new place, the rest is left open."""
    found: list[SentenceAt] = []
    for was, now, same in _runs(text, sentences):
        entries = was if same else [SentenceAt(at=(0, 0), sha256="0" * 16)] * len(now)
        places = [{"at": (s.start, s.end), "sha256": s.sha256} for s in now]
        found += [e.model_copy(update=place) for e, place in zip(entries, places, strict=True)]
    return found


def _runs(text: str, old: Sequence[SentenceAt]) -> Iterator[tuple[Sequence[SentenceAt], list[Sentence], bool]]:
    """Runs of old entries and of new sentences side by side, and whether their words are the same."""
    now = split(text)
    match = SequenceMatcher(None, [e.sha256 for e in old], [s.sha256 for s in now], autojunk=False)
    for tag, a, b, c, d in match.get_opcodes():
        yield old[a:b], now[c:d], tag == "equal"


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Bounds of the raw pieces, spaces included: each line, cut at cells and at sentence ends."""
    for line in _LINE.finditer(text):
        start = line.start()
        for mark in _MARK.finditer(text, *line.span()):
            cut = mark.end(1) if mark[1] else mark.end()
            if not mark[1] or _ends(text[max(start, cut - len(mark[1]) - 6) : cut - len(mark[1])], mark):
                yield start, cut
                start = cut
        yield start, line.end()


def _ends(before: str, mark: re.Match[str]) -> bool:
    """Whether a mark ends a sentence, from the word before it and the letter after it."""
    word = re.split(r"\W", before)[-1]
    abbreviation = len(mark[1]) == 1 and (word in _SHORT or (len(word) == 1 and word.isupper()))
    return not abbreviation and (mark["next"].isupper() or bool(mark["gap"] and mark["next"].isdigit()))
