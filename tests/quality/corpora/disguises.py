"""The same text as it really arrives: decomposed, in JSON, with entities, with other blanks and quotes."""

from __future__ import annotations

import html.entities
import json
import unicodedata
from collections.abc import Callable


def _named_entities(text: str) -> str:
    names = html.entities.codepoint2name
    return "".join(f"&{names[ord(c)]};" if ord(c) > 127 and ord(c) in names else c for c in text)


def _numeric_entities(text: str) -> str:
    return "".join(f"&#{ord(c)};" if ord(c) > 127 else c for c in text)


def _upper(text: str) -> str:
    return text if set("\\&") & set(text) or "Id" in text else text.upper()


DISGUISES: dict[str, Callable[[str], str]] = {
    "upper case": _upper,
    "decomposed accents": lambda text: unicodedata.normalize("NFD", text),
    "a JSON string": json.dumps,
    "a JSON document": lambda text: json.dumps({"lettre": text}),
    "JSON within JSON": lambda text: json.dumps({"properties": json.dumps({"old": text})}),
    "named entities": _named_entities,
    "numeric entities": _numeric_entities,
    "typographic apostrophes": lambda text: text.replace("'", "’"),
    "HTML": lambda text: f"<p>{text}</p>",
}
BLANKS: dict[str, Callable[[str], str]] = {
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "one word a line": lambda text: text.replace(" ", "\n"),
    "two spaces": lambda text: text.replace(" ", "  "),
}
