"""Bulk reads of MySQL and MariaDB: the server writes each row as one CSV line, Arrow reads the lines.

PyMySQL parses every value in Python: measured on a million browser rows 6.5 s, against 3.2 s in
this form. Text is always quoted and NULL never, so the empty text and NULL stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from genuka_pipelines.systems.column_types import Query, as_text, kind_of
from genuka_pipelines.systems.key_block import set_apart
from genuka_pipelines.systems.mysql.dialect import in_utf8
from genuka_pipelines.systems.snapshot import (
    BATCH_BYTES,
    BATCH_ROWS,
    RowTooLarge,
    Snapshot,
    UnreadableValue,
    columns,
    schema,
    statement,
)

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = mysql.dialect(paramstyle="named")
_word = partial(sa.literal_column, type_=sa.Text())


class MySQLSnapshot(Snapshot):
    """One pooled connection in one consistent, read-only transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connection = engine.connect()
        self._connection.exec_driver_sql("COMMIT")
        self._connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def stream(self, query: Query, batch_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """See Snapshot.stream."""
        from pymysql.cursors import SSCursor

        expected = schema(query)
        kept, blocks = set_apart(_as_lines(query), "@genuka_key_{}".format)
        for number, block in enumerate(blocks):
            self._connection.execute(sa.text(f"SET @genuka_key_{number} = :block"), {"block": block})
        driver: Any = self._connection.connection.driver_connection
        cursor = driver.cursor(SSCursor)
        try:
            cursor.execute(statement(kept, _PLAIN))
            for lines in _batches(cursor, batch_rows):
                yield _parsed(lines, expected)
        except BaseException:
            # Closing the cursor, even when it is forgotten, would first read every row that is left.
            if cursor._result is not None:
                cursor._result.unbuffered_active = False
            self._connection.invalidate()
            raise
        cursor.close()

    def close(self) -> None:
        """See Snapshot.close."""
        self._connection.close()


def _as_lines(query: Query) -> Query:
    """The query with one column: the row as a CSV line, in bytes so that PyMySQL passes it on untouched."""
    values = [sa.func.coalesce(_formatted(column), _word("''")) for column in columns(query).values()]
    line = sa.func.concat_ws(_word("','"), *values)
    return query.with_only_columns(sa.cast(in_utf8(line), sa.LargeBinary), maintain_column_froms=True)


def _formatted(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    kind = kind_of(column)
    if kind in ("integer", "decimal"):
        return column
    if kind == "float":
        return column + _word("0e0")
    if kind == "boolean":
        return sa.cast(column != _word("0"), sa.Integer)
    if kind in ("timestamp", "date"):
        return sa.func.nullif(column, _word("0"))
    if kind == "bytes":
        return sa.func.concat(_word("'x'"), sa.func.hex(column))
    quoted = sa.func.replace(in_utf8(as_text(column)), _word("'\"'"), _word("'\"\"'"))
    return sa.func.concat(_word("'\"'"), quoted, _word("'\"'"))


def _batches(cursor: Any, batch_rows: int) -> Iterator[list[bytes]]:
    """Lines in lists bounded by number and by bytes."""
    lines: list[bytes] = []
    size = 0
    while row := cursor.fetchone():
        line = row[0]
        if line is None:
            raise RowTooLarge
        size += len(line)
        lines.append(line)
        if len(lines) >= batch_rows or size >= BATCH_BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _parsed(lines: list[bytes], expected: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa
    from pyarrow import csv

    content = pa.py_buffer(b"\n".join(lines) + b"\n")
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(column_names=expected.names, block_size=content.size + 1, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={field.name: _read_as(field.type) for field in expected},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowException:
        raise UnreadableValue from None
    arrays = [_finished(table.column(index).combine_chunks(), field.type) for index, field in enumerate(expected)]
    return pa.RecordBatch.from_arrays(arrays, schema=expected)


def _read_as(wanted: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_timestamp(wanted):
        return pa.timestamp("us")
    return pa.string() if pa.types.is_binary(wanted) else wanted


def _finished(array: Any, wanted: pa.DataType) -> Any:
    import pyarrow as pa

    if pa.types.is_binary(wanted):
        return pa.array([None if text is None else bytes.fromhex(text[1:]) for text in array.to_pylist()], wanted)
    return array if array.type == wanted else array.cast(wanted)
