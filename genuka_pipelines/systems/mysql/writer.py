"""Rows of MySQL and MariaDB found again by their primary key, which is also their order on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

from genuka_pipelines.systems.column_types import Query, kind_of
from genuka_pipelines.systems.writer import UNIT, Found, Predicate, Rows, Writer, keys_of

_LISTED = 250
"""Keys of one statement: with more of them, from some number on, the whole table is read."""
_CHECKED = 20_000
"""Keys of one statement that reads the rows between the first and the last of them, and only compares."""
_SPARSE = 20
"""Rows a row wanted beyond which they are fetched one by one: each costs as much as reading a hundred in order."""
_LONGEST = 2**30
"""Bytes of one text in which a column is read; the largest packet of the server may cut it shorter."""


class _Listed(UserDefinedType[Any]):
    """A list that the driver spells, brackets and all: a parameter for each of its values takes four times as long."""

    cache_ok = True


class MySQLWriter(Writer):
    """By primary key."""

    foreign_keys = """
        SELECT concat(k.table_name, '.', k.constraint_name) AS a, k.table_name AS b, k.column_name AS c,
               k.referenced_table_name AS d, k.referenced_column_name AS e, lower(r.delete_rule) AS f
          FROM information_schema.key_column_usage k
          JOIN information_schema.referential_constraints r
            ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
           AND r.table_name = k.table_name
         WHERE k.table_schema = database() AND k.referenced_table_schema = database()
         ORDER BY k.table_name, k.constraint_name, k.ordinal_position"""

    def prepare(self, connection: Any, locks: float, timeout: float) -> None:
        """Run the session's statements; InnoDB waits a second at least."""
        mariadb = "MariaDB" in connection.get_server_info()
        patience = max(1, round(locks))
        with connection.cursor() as cursor:
            for statement in (
                "SET time_zone = '+00:00'",
                f"SET SESSION {'max_statement_time' if mariadb else 'max_execution_time'} = "
                f"{timeout if mariadb else int(timeout * 1000)}",
                f"SET SESSION innodb_lock_wait_timeout = {patience}",
                f"SET SESSION lock_wait_timeout = {patience}",
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "SET SESSION TRANSACTION READ WRITE",
            ):
                cursor.execute(statement)
        connection.commit()

    def read(self, connection: sa.Connection, query: Query) -> list[Sequence[Any]]:
        """As one text a column, cut here: the driver takes three times as long for a row a value."""
        inner = query.subquery()
        joined = [
            part
            for column in inner.c
            for part in (
                sa.func.sum(sa.func.char_length(column)),
                sa.func.count(column),
                sa.func.aggregate_strings(column, UNIT),
            )
        ]
        connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {_LONGEST}")
        number, *texts = connection.execute(sa.select(sa.func.count(), *joined).select_from(inner)).one()
        found = [text.split(UNIT) if text is not None else [] for text in texts[2::3]]
        if all(
            given == number == len(column) and int(length or 0) == sum(map(len, column))
            for length, given, column in zip(texts[::3], texts[1::3], found, strict=True)
        ):
            return list(found)
        # A value is missing, holds the mark between two, or the text was cut off.
        return super().read(connection, query)

    def place(self, table: sa.FromClause) -> sa.ColumnElement[Any] | None:  # noqa: ARG002
        """None: the key says it."""
        return None

    def dense(
        self, connection: sa.Connection, columns: Sequence[sa.ColumnElement[Any]], keys: Sequence[tuple[str, ...]]
    ) -> bool:
        """By a count that ends as soon as it is clear."""
        if len(columns) > 1 or len(keys) <= _LISTED:
            return False
        column, most = columns[0], _SPARSE * len(keys)
        first, last = (int(key[0]) if kind_of(column) == "integer" else key[0] for key in (keys[0], keys[-1]))
        between = sa.select(sa.literal_column("1")).where(column.between(first, last)).limit(most).subquery()
        return int(connection.execute(sa.select(sa.func.count()).select_from(between)).scalar_one()) < most

    def pages(self, connection: sa.Connection, table: str) -> int | None:  # noqa: ARG002
        """None: read by key."""
        return None

    def ends(self, table: sa.FromClause) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """There are none."""
        raise NotImplementedError

    def between_pages(self, table: sa.FromClause, first: int, last: int) -> Predicate:
        """There are none."""
        raise NotImplementedError

    def among(
        self,
        columns: Sequence[sa.ColumnElement[Any]],
        declared: Sequence[str],  # noqa: ARG002
        rows: Sequence[Found],
    ) -> list[Predicate]:
        """Lists of keys."""
        whole = [kind_of(column) == "integer" for column in columns]
        keys: Sequence[tuple[Any, ...]] = keys_of(rows)
        if any(whole):
            keys = [
                tuple(int(part) if number else part for part, number in zip(key, whole, strict=True)) for key in keys
            ]
        if len(columns) == 1 and isinstance(rows, Rows) and rows.together is not None:
            chunks = [keys[start : start + _CHECKED] for start in range(0, len(keys), _CHECKED)]
            return [_between(columns[0], [key[0] for key in chunk], whole=whole[0]) for chunk in chunks]
        chunks = [keys[start : start + _LISTED] for start in range(0, len(keys), _LISTED)]
        if len(columns) == 1:
            return [columns[0].in_([key[0] for key in chunk]) for chunk in chunks]
        return [sa.tuple_(*columns).in_(chunk) for chunk in chunks]

    def lag(self, connection: sa.Connection) -> float | None:  # noqa: ARG002
        """Unknown: a replica knows it, its source does not."""
        return None


def _between(column: sa.ColumnElement[Any], keys: Sequence[Any], *, whole: bool) -> Predicate:
    """Among the keys, which are in the column's order; an expression, for the server would look each key up."""
    compared = column + sa.literal_column("0") if whole else sa.func.concat(column, type_=column.type)
    listed = sa.bindparam(None, keys, type_=_Listed(), unique=True)
    return column.between(keys[0], keys[-1]) & compared.op("IN", is_comparison=True)(listed)
