"""A column's values as texts, made once for CSV and NDJSON, by whole columns and never row by row.

What differs between the two is only how a text is quoted; only the few texts that need it are looked at twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.systems.row_text import Field

_NOT_FINITE = {"nan": "NaN", "inf": "INF", "-inf": "-INF"}
"""As XML Schema spells them, and Frictionless after it."""
_PLAIN = ("integer", "decimal", "float", "boolean", "timestamp", "date", "bytes")


@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """A column of a batch: its typed values, and the same as texts; NULL is NULL in both."""

    field: Field
    values: Any
    texts: Any

    @property
    def is_plain(self) -> bool:
        """Whether no value can be taken for a formula, a quote or a line."""
        return self.field.kind in _PLAIN


def columns_of(batch: pa.RecordBatch, of: Sequence[Field]) -> list[Column]:
    """The columns of a batch in their order."""
    return [Column(field, batch.column(at), _texts(batch.column(at), field)) for at, field in enumerate(of)]


def _texts(array: Any, field: Field) -> Any:
    """Numbers plain, moments as RFC 3339 in UTC, bytes in hex, everything else as the server writes it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if field.kind == "bytes":
        return _hex(array)
    if field.kind == "timestamp":
        # Nine times faster than the text of a moment with its zone.
        plain = array.cast(pa.timestamp("us")).cast(pa.string())
        return pc.binary_join_element_wise(
            pc.replace_substring(plain, pattern=" ", replacement="T", max_replacements=1), "Z", ""
        )
    texts = array.cast(pa.string())
    if field.kind == "float" and not pc.all(pc.is_finite(array)).as_py():
        for found, written in _NOT_FINITE.items():
            texts = pc.if_else(pc.equal(texts, found), written, texts)
    return texts


def _hex(array: Any) -> Any:
    """The digits of all values at once, cut where the values were."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = array.fill_null(b"")
    _, offsets, data = whole.buffers()
    ends = pa.Array.from_buffers(pa.int32(), len(whole) + 1, [None, offsets], offset=whole.offset)
    digits = pa.py_buffer(memoryview(data or b"").hex().encode())
    texts = pa.StringArray.from_buffers(
        len(whole), pc.multiply_checked(ends, pa.scalar(2, pa.int32())).buffers()[1], digits
    )
    return pc.if_else(pc.is_valid(array), texts, None) if array.null_count else texts


def where_needed(texts: Any, pattern: str, change: Callable[[Any], Any]) -> Any:
    """The texts, those that match changed."""
    import pyarrow.compute as pc

    odd = pc.match_substring_regex(texts, pattern=pattern)
    count = pc.sum(odd).as_py() or 0
    if count == 0:
        return texts
    return pc.replace_with_mask(texts, odd, change(texts.filter(odd))) if count < len(texts) else change(texts)


def joined(parts: Iterable[Any], rows: int) -> memoryview:
    """The parts of each row put together, texts that are the same in every row among them; rows one after the other."""
    import pyarrow.compute as pc

    if not rows:
        return memoryview(b"")
    together: list[Any] = []
    for part in parts:
        if isinstance(part, str) and together and isinstance(together[-1], str):
            together[-1] += part
        else:
            together.append(part)
    found = pc.binary_join_element_wise(*together, "")
    _, offsets, data = found.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[found.offset] : ends[found.offset + len(found)]]


def in_quotes(texts: Any, null: str) -> tuple[Any, ...]:
    """The parts of a quoted text, and what stands for none."""
    import pyarrow.compute as pc

    if not texts.null_count:
        return ('"', texts, '"')
    return (pc.fill_null(pc.binary_join_element_wise('"', texts, '"', ""), null),)
