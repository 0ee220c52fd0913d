"""Undoes what hides a text from a pattern: escapes, entities, widths, accents, odd spaces.

The same word reaches a column as `é`, `e` + accent, `\\u00e9` (PHP's JSON) or `&eacute;`;
patterns written for one of them alone would find a quarter of what is there.
"""

from __future__ import annotations

import html
import re
import unicodedata

_ESCAPE = re.compile(r"\\+u([0-9A-Fa-f]{4})|\\+([nrt])|\\+([\"'/])")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]{0,200})?/?>")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BLANKS = re.compile(r"\s+")
_ALIKE = str.maketrans(
    dict.fromkeys("’‘ʼʹ´`′＇", "'") | dict.fromkeys("‐‑‒–—―−﹣－", "-") | {"œ": "oe", "æ": "ae", "Œ": "OE", "Æ": "AE"}
)


def plain(raw: str) -> str:
    """The text as a person would see it: JSON escapes, HTML entities and tags undone, NFKC, plain
    apostrophes and hyphens, one space or line break for a run of blanks. Case and accents are kept."""
    text = raw
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub("\n", text)
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).translate(_ALIKE)
    return _BLANKS.sub(_one_blank, text)


def folded(raw: str) -> str:
    """`plain` on one line, in lower case and without accents: what rules about words are written in."""
    text = plain(raw).replace("\n", " ")
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.lower().strip()


def _unescaped(found: re.Match[str]) -> str:
    code, blank, mark = found.groups()
    if code:
        return chr(int(code, 16))
    return mark or ("\t" if blank == "t" else "\n")


def _one_blank(found: re.Match[str]) -> str:
    return "\n" if "\n" in found[0] else " "
