"""Finds card numbers in a text: runs of digits, however grouped, weighed with what is beside them.

A wrong yes costs a reviewer's time and a wrong no breaks a promise; the weighing is written
here once, so that both can be measured and neither is traded away by accident.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from genuka_pipelines.quality.detectors.cards.context import CARDS, OTHER_NUMBER
from genuka_pipelines.quality.detectors.cards.issuers import LONGEST, SHORTEST, speaks

Span = tuple[int, int]

_CHAIN = re.compile(r"[0-9]+(?:(?:[ .\-_·]{1,3}|\+)[0-9]+)*")
_DIGITS = re.compile(r"[0-9]+")
_BETWEEN = r"[\s,;:/|\"'()\[\].\-]{1,6}"
_APART = re.compile(
    rf"(?<![0-9])[0-9]{{4}}(?:(?:{_BETWEEN}[0-9]{{4}}){{3}}|{_BETWEEN}[0-9]{{6}}{_BETWEEN}[0-9]{{4,5}})(?![0-9])"
)

_GROUPED = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 3), (4, 4, 5)}
_YEAR = re.compile(r"20[2-4][0-9]$")
_MONEY_AFTER = re.compile(
    r"[.,][0-9]{1,2}(?![0-9.,])|\s?(?:xaf|xof|f?cfa|eur|usd|[€$£]|f)(?![a-z])|e[+-]?[0-9]", re.IGNORECASE
)
_SIGN_BEFORE = re.compile(r"(?:^|[\s:=,(\[\"])[-+]$|(?<![0-9])[0-9]{1,3}\.$|(?<![0-9])0,$")
_SAID_AFTER = re.compile(r"exp|cv[vc]|visa|cb\b", re.IGNORECASE)
_CARD_JOINED = re.compile(r"(?:^|[^A-Za-z])(?:cb|cartes?|cards?|visa|mastercard|mc|amex|cc|pan|no?)$", re.IGNORECASE)


class _Words:
    """The words of a text that speak of cards, found once, and only if asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[Span] | None = None

    def beside(self, start: int, end: int) -> bool:
        """Whether one stands within 60 signs before `start` or 30 after `end`."""
        if self._spans is None:
            self._spans = [found.span() for found in CARDS.finditer(self._text)]
        at = bisect_left(self._spans, (start - 60, 0))
        near = self._spans[at : at + 60]
        return any(stop <= start or (begin >= end and stop <= end + 30) for begin, stop in near)


def card_numbers(text: str) -> Iterator[Span]:
    """Where `text` (plain, digits in ASCII) holds card numbers written in one run or in groups."""
    words = _Words(text)
    for chain in _CHAIN.finditer(text):
        if chain.end() - chain.start() < SHORTEST:
            continue
        groups = [found.span() for found in _DIGITS.finditer(text, *chain.span())]
        first = 0
        while first < len(groups):
            last = _last_group(text, words, groups, first)
            if last is not None:
                yield groups[first][0], groups[last][1]
            first = first + 1 if last is None else last + 1


def cards_apart(text: str) -> Iterator[Span]:
    """Where `text` holds card numbers whose groups are set apart: one a line, a JSON list, brackets.

    Prices, sizes and quantities look the same: only a word beside them makes them a card's.
    """
    words = _Words(text)
    for found in _APART.finditer(text):
        digits = "".join(_DIGITS.findall(found[0]))
        if speaks(digits) is not None and words.beside(*found.span()):
            yield found.span()


def _last_group(text: str, words: _Words, groups: list[Span], first: int) -> int | None:
    """The group with which a card number that starts with group `first` ends, if one does."""
    digits = ""
    for last in range(first, len(groups)):
        start, end = groups[last]
        if len(digits) + end - start > LONGEST:
            return None
        digits += text[start:end]
        alone = speaks(digits)
        if alone is not None and _stands(text, words, groups, first, last, alone):
            return last
    return None


def _stands(text: str, words: _Words, groups: list[Span], first: int, last: int, alone: bool) -> bool:
    """Whether these groups are a number of their own and, unless `alone` suffices, a card's."""
    start, end = groups[first][0], groups[last][1]
    before, after = text[max(0, start - 60) : start], text[end : end + 8]
    if (before[-1:].isalpha() and not _CARD_JOINED.search(before)) or (
        after[:1].isalpha() and not _SAID_AFTER.match(after)
    ):
        return False
    if first == last:
        if OTHER_NUMBER.search(before) or _SIGN_BEFORE.search(before) or _MONEY_AFTER.match(after):
            return False
        return alone or words.beside(start, end)
    sizes = tuple(stop - begin for begin, stop in groups[first : last + 1])
    if sizes in _GROUPED and not _goes_on(text, groups, first, last):
        return True
    return words.beside(start, end)


def _goes_on(text: str, groups: list[Span], first: int, last: int) -> bool:
    """Whether a group of four beside them makes these groups part of a longer number, as in an IBAN."""
    if first > 0 and groups[first - 1][1] - groups[first - 1][0] == 4:
        return True
    if last + 1 == len(groups):
        return False
    following = text[slice(*groups[last + 1])]
    return len(following) == 4 and not _YEAR.match(following)
