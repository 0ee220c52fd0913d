"""CSV for people and spreadsheets, in which no text of a stranger becomes a formula.

A shopper's name that begins with `=` runs in the tenant's spreadsheet when it opens the export. An apostrophe before
it stops that; one is put before texts that begin with an apostrophe too, so that taking it away gives the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports.forms.texts import in_quotes, joined, where_needed

if TYPE_CHECKING:
    from genuka_pipelines.exports.forms.texts import Column
    from genuka_pipelines.systems.row_text import Field

FORMULA = "^[=+\\-@\t\r\n'＝＋－＠]"
"""How a text begins that a spreadsheet may run (OWASP, CSV Injection), and the sign that we put before it."""


def header(of: Sequence[Field]) -> bytes:
    """The line of names."""
    return (",".join('"' + field.name.replace('"', '""') + '"' for field in of) + "\n").encode()


def lines(columns: Sequence[Column], rows: int) -> memoryview:
    """The rows, RFC 4180 with bare newlines at their ends; NULL is nothing, and an empty text is two quotes.

    Where there is one column only, NULL is two quotes as well: readers skip empty lines.
    """
    import pyarrow.compute as pc

    parts: list[Any] = []
    null = "" if len(columns) > 1 else '""'
    for number, column in enumerate(columns):
        parts.append("," if number else "")
        if column.is_plain:
            parts.append(pc.fill_null(column.texts, null))
        else:
            parts += in_quotes(where_needed(column.texts, f'"|{FORMULA}', _harmless), null)
    return joined([*parts, "\n"], rows)


def _harmless(texts: Any) -> Any:
    import pyarrow.compute as pc

    dangerous = pc.match_substring_regex(texts, pattern=FORMULA)
    if pc.any(dangerous).as_py():
        texts = pc.if_else(dangerous, pc.binary_join_element_wise("'", texts, ""), texts)
    return pc.replace_substring(texts, pattern='"', replacement='""')
