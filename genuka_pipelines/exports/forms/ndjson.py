"""NDJSON for programs: one object a line, with documents of the database as nested values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports.forms.csv import joined
from genuka_pipelines.exports.forms.texts import as_texts

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.systems.row_text import Field

_ESCAPED = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_CONTROL = [chr(code) for code in range(0x20) if chr(code) not in "\n\r\t"]


def lines(batch: pa.RecordBatch, of: Sequence[Field]) -> bytes:
    """The rows. Decimals are texts, so that no reader rounds them; NULL is null."""
    import pyarrow.compute as pc

    parts: list[Any] = []
    for number, field in enumerate(of):
        name = json.dumps(field.name, ensure_ascii=False)
        parts += [("," if number else "{") + name + ":", pc.fill_null(_token(batch.column(number), field), "null")]
    return joined([*parts, "}\n"], batch.num_rows)


def _token(array: Any, field: Field) -> Any:
    import pyarrow.compute as pc

    texts = as_texts(array, field)
    if field.kind in ("integer", "boolean"):
        return texts
    if field.kind == "float":
        return pc.if_else(pc.is_finite(array), texts, _quoted(texts))
    if field.kind == "json":
        # A line's end can only be between the signs of a document: inside of a text it is escaped.
        return pc.replace_substring_regex(texts, pattern="[\r\n]", replacement=" ")
    return _quoted(texts)


def _quoted(texts: Any) -> Any:
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(texts, pattern='[\\x00-\\x1f"\\\\]')).as_py():
        for sign, written in _ESCAPED:
            texts = pc.replace_substring(texts, pattern=sign, replacement=written)
        if pc.any(pc.match_substring_regex(texts, pattern="[\\x00-\\x1f]")).as_py():
            for sign in _CONTROL:
                texts = pc.replace_substring(texts, pattern=sign, replacement=f"\\u{ord(sign):04x}")
    return pc.binary_join_element_wise('"', texts, '"', "")
