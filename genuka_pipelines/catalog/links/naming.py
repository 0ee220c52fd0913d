"""Answers a word that nobody declared with the one that was probably meant, or with those that are."""

from __future__ import annotations

import difflib
from collections.abc import Collection

At = tuple[int | str, ...]
Broken = tuple[str, At, str]
"""(key of the file, location in it, what is wrong and what would be right)."""
Found = tuple[At, str]
"""The same within one file."""


def unknown(word: str, what: str, valid: Collection[str], shown: int = 40) -> str | None:
    """What is wrong with a word that is not among the valid ones; None where it is."""
    if word in valid:
        return None
    near = difflib.get_close_matches(word, valid, 1)
    if near:
        return f"{what} '{word}' is unknown; did you mean '{near[0]}'?"
    listed = ", ".join(sorted(valid)[:shown]) or "none is declared"
    return f"{what} '{word}' is unknown; declared: {listed}"
