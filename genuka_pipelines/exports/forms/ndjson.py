"""NDJSON for programs: one object a line, with documents of the database as nested values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports.forms.texts import in_quotes, joined, where_needed

if TYPE_CHECKING:
    from genuka_pipelines.exports.forms.texts import Column

_ESCAPED = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROL = [chr(code) for code in range(0x20) if chr(code) not in "\n\r\t"]


def lines(columns: Sequence[Column], rows: int) -> memoryview:
    """The rows. Decimals are texts, so that no reader rounds them; NULL is null."""
    parts: list[Any] = []
    for number, column in enumerate(columns):
        parts.append(("," if number else "{") + json.dumps(column.field.name, ensure_ascii=False) + ":")
        parts += _token(column)
    return joined([*parts, "}\n"], rows)


def _token(column: Column) -> tuple[Any, ...]:
    import pyarrow.compute as pc

    kind, texts = column.field.kind, column.texts
    if kind == "json":
        # A line's end can only be between the signs of a document: inside of a text it is escaped.
        texts = where_needed(texts, "[\r\n]", _on_one_line)
    elif kind == "float" and not pc.all(pc.is_finite(column.values)).as_py():
        quoted = pc.binary_join_element_wise('"', texts, '"', "")
        texts = pc.if_else(pc.is_finite(column.values), texts, quoted)
    elif kind not in ("integer", "boolean", "float"):
        return in_quotes(texts if column.is_plain else where_needed(texts, '[\\x00-\\x1f"\\\\]', _escaped), "null")
    return (pc.fill_null(texts, "null"),)


def _on_one_line(texts: Any) -> Any:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(texts, pattern="[\r\n]", replacement=" ")


def _escaped(texts: Any) -> Any:
    import pyarrow.compute as pc

    for sign, written in _ESCAPED:
        texts = pc.replace_substring(texts, pattern=sign, replacement=written)
    if pc.any(pc.match_substring_regex(texts, pattern="[\\x00-\\x1f]")).as_py():
        for sign in _CONTROL:
            texts = pc.replace_substring(texts, pattern=sign, replacement=f"\\u{ord(sign):04x}")
    return texts
