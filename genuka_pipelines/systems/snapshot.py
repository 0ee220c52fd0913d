"""One consistent view of a database, read in bulk.

A count and the stream beside it must see the same rows, or a manifest would be wrong by whatever was
written between them; so both come from one read-only, repeatable-read transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.systems.column_types import Query, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
BATCH_BYTES = 8 << 20
"""A batch ends at either bound, so wide rows do not make a batch of gigabytes."""


class BrokenRead(Exception):
    """A bulk reader failed without an error of its driver; the text is for `Dialect.trouble` alone."""


class RowTooLarge(Exception):
    """The server gave NULL for a whole row, as MySQL does above max_allowed_packet."""


class UnreadableValue(Exception):
    """A value does not fit the type of its column."""


class Snapshot(ABC):
    """An open transaction. One stream at a time; close it by leaving its `with`."""

    @abstractmethod
    def stream(self, query: Query, batch_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """The rows of a query in batches of at most `batch_rows`, in `schema(query)`; none for no rows.

        Every value comes out as it is held: NULL and the empty text stay apart. Infinite and zero dates,
        which name no moment, come out as NULL.
        """

    @abstractmethod
    def close(self) -> None:
        """End the transaction and give the connection back."""

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """The rows of a small query as Python values."""
        return [row for batch in self.stream(query) for row in zip(*batch.to_pydict().values(), strict=True)]


def statement(query: Query, dialect: sa.Dialect) -> str:
    """The statement with its values written in, for readers that take no parameters.

    `dialect` is one with paramstyle "named", so that a percent sign is itself. Key material must be
    set apart before.
    """
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def schema(query: Query) -> pa.Schema:
    """The Arrow schema that a query streams in: its column names and their Arrow types."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(column)) for name, column in columns(query).items()])


def columns(query: Query) -> dict[str, sa.ColumnElement[Any]]:
    """The selected columns by their names, in order; an expression is given one by `label`."""
    return dict(query.selected_columns.items())
