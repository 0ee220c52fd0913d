"""CSV for people and spreadsheets, in which no text of a stranger becomes a formula.

A shopper's name that begins with `=` runs in the tenant's spreadsheet when it opens the export. An apostrophe before
it stops that; one is put before texts that begin with an apostrophe too, so that taking it away gives the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports.forms.texts import as_texts, is_plain

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.systems.row_text import Field

FORMULA = "^[=+\\-@\t\r\n'＝＋－＠]"
"""How a text begins that a spreadsheet may run (OWASP, CSV Injection), and the sign that we put before it."""


def header(of: Sequence[Field]) -> bytes:
    """The line of names."""
    return (",".join('"' + field.name.replace('"', '""') + '"' for field in of) + "\n").encode()


def lines(batch: pa.RecordBatch, of: Sequence[Field]) -> bytes:
    """The rows, RFC 4180 with bare newlines at their ends; NULL is nothing, and an empty text is two quotes.

    Where there is one column only, NULL is two quotes as well: readers skip empty lines.
    """
    import pyarrow.compute as pc

    parts: list[Any] = []
    null = "" if len(of) > 1 else '""'
    for number, field in enumerate(of):
        texts = as_texts(batch.column(number), field)
        parts += ["," if number else "", pc.fill_null(texts if is_plain(field) else _quoted(texts), null)]
    return joined([*parts, "\n"], batch.num_rows)


def _quoted(texts: Any) -> Any:
    import pyarrow.compute as pc

    dangerous = pc.match_substring_regex(texts, pattern=FORMULA)
    if pc.any(dangerous).as_py():
        texts = pc.if_else(dangerous, pc.binary_join_element_wise("'", texts, ""), texts)
    doubled = pc.replace_substring(texts, pattern='"', replacement='""')
    return pc.binary_join_element_wise('"', doubled, '"', "")


def joined(parts: Sequence[Any], rows: int) -> bytes:
    """The parts of each row put together, and the rows one after the other."""
    import pyarrow.compute as pc

    if not rows:
        return b""
    found = pc.binary_join_element_wise(*parts, "")
    buffer, offsets = found.buffers()[2], found.buffers()[1]
    ends = memoryview(offsets).cast("i")
    return bytes(memoryview(buffer)[ends[found.offset] : ends[found.offset + len(found)]])
