"""The lines of a dump as typed Arrow columns: one reading of a table serves its exact text and every typed form.

A second query for the typed values would be a second look at the rows; here the text that goes into an
archive is the only source, so the forms beside it cannot hold other rows than it does.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from genuka_pipelines.systems.column_types import Kind, arrow_type, kind_of
from genuka_pipelines.systems.snapshot import UnreadableValue

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.systems.database import Database

_NOBODY = b"\\N\t"
_APART = b"\xff"
"""A byte that no UTF-8 text has."""
_SIGNS = ((b"t", b"\t"), (b"n", b"\n"), (b"r", b"\r"), (b"b", b"\b"), (b"f", b"\f"), (b"v", b"\v"))
_CODECS = {
    "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13", "greek": "iso8859_7", "hebrew": "iso8859_8",
    "ucs2": "utf-16-be", "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be",
    "sjis": "cp932", "ujis": "euc_jp", "euckr": "euc_kr",
}  # fmt: skip
"""What Python calls the character sets of MySQL that are written in hex; others are called alike, or stay bytes."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a line: the kind of its values, the Arrow type they become, and the codec of a text in hex.

    `declared` is the server's own word for the type.
    """

    name: str
    kind: Kind
    declared: str
    type: pa.DataType
    is_hex: bool = False
    codec: str | None = None


def fields(database: Database, table: str, columns: Sequence[str]) -> tuple[Field, ...]:
    """The fields of a dump's lines, in the order of `columns`."""
    import pyarrow as pa

    of, declared = database.table(table), database.tables()[table]
    written = _in_hex(database, table)
    found = []
    for name in columns:
        kind, kept = kind_of(of.c[name]), arrow_type(of.c[name])
        codec = _codec(written[name]) if kind == "text" and name in written else None
        if name in written and codec is None:
            kind, kept = "bytes", pa.binary()
        found.append(Field(name, kind, declared[name], kept, name in written, codec))
    return tuple(found)


def _in_hex(database: Database, table: str) -> dict[str, str]:
    """The columns of MySQL whose field is the hex of bytes, with their character sets."""
    if database.dialect.name != "mysql":
        return {}
    from genuka_pipelines.systems.mysql.dump import columns

    with database.connected() as connection:
        held = columns(lambda query: list(connection.exec_driver_sql(query)))
    return {column.name: column.charset for column in held[table] if column.is_hex}


def _codec(charset: str) -> str | None:
    try:
        return codecs.lookup(_CODECS.get(charset, charset)).name if charset else None
    except LookupError:
        return None


def without_prefix(block: bytes) -> bytes:
    """Lines that were led by no prefix, as rows alone."""
    return (b"\n" + block).replace(b"\n" + _NOBODY, b"\n")[1:]


def typed(rows: bytes, of: Sequence[Field]) -> tuple[pa.RecordBatch, dict[str, int]]:
    """Rows without prefix as a batch, and by column how many values have no typed form and are NULL in it.

    Those are infinities and years beyond 9999 or before 1, zero dates, and numerics that are none. UnreadableValue
    where a text is not UTF-8.
    """
    import pyarrow as pa
    from pyarrow import csv

    names = [str(number) for number in range(len(of))]
    try:
        table = csv.read_csv(
            BytesIO(rows),
            read_options=csv.ReadOptions(column_names=names, block_size=max(len(rows), 1) + 1, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter="\t", quote_char=False, double_quote=False, escape_char=False, ignore_empty_lines=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()), null_values=["\\N"], strings_can_be_null=True
            ),
        )
        arrays, lost = [], {}
        for number, field in enumerate(of):
            plain = _unescaped(table.column(number).combine_chunks())
            array, missing = _as_type(plain, field)
            arrays.append(array)
            if missing:
                lost[field.name] = missing
    except (pa.ArrowException, UnicodeDecodeError):
        raise UnreadableValue from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema(of)), lost


def schema(of: Sequence[Field]) -> pa.Schema:
    """The schema of the batches."""
    import pyarrow as pa

    return pa.schema([(field.name, field.type) for field in of])


def _unescaped(array: Any) -> Any:
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring(array, pattern=b"\\")).as_py():
        return array
    array = pc.replace_substring(array, pattern=b"\\\\", replacement=_APART)
    for sign, meant in _SIGNS:
        array = pc.replace_substring(array, pattern=b"\\" + sign, replacement=meant)
    return pc.replace_substring(array, pattern=_APART, replacement=b"\\")


def _as_type(array: Any, field: Field) -> tuple[Any, int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if field.codec is not None:
        texts = [
            None if held is None else bytes.fromhex(held.decode()).decode(field.codec) for held in array.to_pylist()
        ]
        return pa.array(texts, pa.string()), 0
    if field.kind == "bytes":
        prefix = 0 if field.is_hex else 2  # PostgreSQL writes \x before the digits
        return pa.array([None if held is None else bytes.fromhex(held[prefix:].decode()) for held in array.to_pylist()],
                        field.type), 0  # fmt: skip
    text = array.cast(pa.string())
    if pa.types.is_string(field.type):
        return text, 0
    if field.kind == "boolean":
        return pc.if_else(pc.is_valid(text), pc.not_equal(pc.is_in(text, value_set=_false()), True), None), 0
    try:
        return _cast(text, field.type), 0
    except pa.ArrowInvalid:
        found = pa.array([_one(value, field.type) for value in text.to_pylist()], field.type)
        return found, found.null_count - text.null_count


def _false() -> Any:
    import pyarrow as pa

    return pa.array(["f", "0", "false"])


def _cast(text: Any, wanted: pa.DataType) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(wanted):
        return text.cast(wanted)
    # A plain time is UTC, as everywhere in this house; one with a zone was written in UTC.
    return pc.replace_substring_regex(text, pattern=r"\+00$", replacement="").cast(pa.timestamp("us")).cast(wanted)


def _one(value: str | None, wanted: pa.DataType) -> Any:
    import pyarrow as pa

    try:
        return None if value is None else _cast(pa.array([value]), wanted)[0].as_py()
    except (pa.ArrowInvalid, ValueError, OverflowError):
        return None
