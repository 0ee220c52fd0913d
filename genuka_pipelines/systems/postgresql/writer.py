"""Rows of PostgreSQL found again by their place and their key, and read forward by ranges of pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

from genuka_pipelines.systems.column_types import Query
from genuka_pipelines.systems.postgresql.dialect import session
from genuka_pipelines.systems.writer import UNIT, Found, Predicate, Rows, Writer, parts_of

_SPARSE = 4
"""Pages a row beyond which rows are fetched one by one instead of reading the pages between them."""


class _Spelled(UserDefinedType[Any]):
    """A type in the server's own words."""

    cache_ok = True

    def __init__(self, words: str) -> None:
        self.words = words

    def get_col_spec(self, **_: Any) -> str:
        """The words."""
        return self.words


class PostgreSQLWriter(Writer):
    """By ctid, the place of a row in its file; the key decides, the place only finds."""

    grips = True
    foreign_keys = """
        SELECT c.oid::text, child.relname, a.attname, parent.relname, k.attname,
               CASE c.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                    WHEN 'n' THEN 'set null' ELSE 'set default' END
          FROM pg_constraint c
          JOIN pg_class child ON child.oid = c.conrelid
          JOIN pg_class parent ON parent.oid = c.confrelid
          JOIN pg_namespace n ON n.oid = parent.relnamespace AND n.nspname = current_schema()
          JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS pair(mine, theirs, place) ON true
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = pair.mine
          JOIN pg_attribute k ON k.attrelid = c.confrelid AND k.attnum = pair.theirs
         WHERE c.contype = 'f' AND c.conparentid = 0
         ORDER BY child.relname, c.oid, pair.place"""

    def prepare(self, connection: Any, locks: float, timeout: float) -> None:
        """Run the session's statements; each statement is planned with its values."""
        for statement in (
            *session(timeout)[:-1],
            f"SET lock_timeout TO {max(1, int(locks * 1000))}",
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
            # An outcome must not outlive the rows' return after a crash, whatever the server's default.
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        ):
            connection.execute(statement)
        connection.commit()
        connection.prepare_threshold = None

    def place(self, table: sa.FromClause) -> sa.ColumnElement[Any] | None:
        """ctid, as text."""
        return sa.cast(_ctid(table), sa.Text)

    def grip(self, connection: sa.Connection) -> None:
        """Repeatable read: a row that somebody changed since is an error. Never idle for longer than half a minute."""
        connection.exec_driver_sql(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = '30s'"
        )

    def read(self, connection: sa.Connection, query: Query) -> list[Sequence[Any]]:
        """As one text a column, cut here: the driver takes six times as long for a row a value."""
        inner = query.subquery()
        joined = [part for column in inner.c for part in (sa.func.count(column), sa.func.string_agg(column, UNIT))]
        number, *texts = connection.execute(sa.select(sa.func.count(), *joined).select_from(inner)).one()
        found = [text.split(UNIT) if text is not None else [] for text in texts[1::2]]
        if all(given == number == len(column) for given, column in zip(texts[::2], found, strict=True)):
            return list(found)
        # A value is missing, or holds the mark between two.
        spelled = [sa.cast(sa.func.json_agg(column), sa.Text) for column in inner.c]
        return [json.loads(column) for column in connection.execute(sa.select(*spelled)).one()]

    def dense(
        self,
        connection: sa.Connection,  # noqa: ARG002
        columns: Sequence[sa.ColumnElement[Any]],  # noqa: ARG002
        keys: Sequence[tuple[str, ...]],  # noqa: ARG002
    ) -> bool:
        """False: its order is not that of the key."""
        return False

    def pages(self, connection: sa.Connection, table: str) -> int | None:
        """By the size of the file; a partitioned table has no file of its own."""
        query = sa.text(
            "SELECT CASE WHEN c.relkind IN ('r', 'm') AND NOT c.relhassubclass "
            "THEN pg_relation_size(c.oid) / current_setting('block_size')::int END "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() "
            "WHERE c.relname = :table"
        )
        found = connection.execute(query, {"table": table}).scalar()
        return None if found is None else int(found)

    def ends(self, table: sa.FromClause) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """The least and the greatest ctid."""
        return sa.cast(sa.func.min(_ctid(table)), sa.Text), sa.cast(sa.func.max(_ctid(table)), sa.Text)

    def between_pages(self, table: sa.FromClause, first: int, last: int) -> Predicate:
        """A range of ctids."""
        return (_ctid(table) >= _tid(f"({first},0)")) & (_ctid(table) < _tid(f"({last},0)"))

    def among(
        self, columns: Sequence[sa.ColumnElement[Any]], declared: Sequence[str], rows: Sequence[Found]
    ) -> list[Predicate]:
        """One statement: the pages between the first and the last row where they are dense, else each place."""
        wanted = [_array(part, kind) for part, kind in zip(parts_of(rows), declared, strict=True)]
        if len(wanted) == 1:
            by_key: Predicate = columns[0].op("=", is_comparison=True)(sa.func.any(wanted[0]))
        else:
            names = [f"k{part}" for part in range(len(wanted))]
            listed = sa.func.unnest(*wanted).table_valued(*names, name="listed").render_derived()
            by_key = sa.tuple_(*columns).in_(sa.select(*(listed.c[name] for name in names)))
        table = columns[0].table
        together = rows.together if isinstance(rows, Rows) else None
        if together is not None and together[1] - together[0] < _SPARSE * len(rows):
            return [self.between_pages(table, *together) & by_key]
        if any(row.place is None for row in rows):
            return [by_key]
        pages = [self.page(row.place) for row in rows]
        first, last = min(pages), max(pages)
        if last - first < _SPARSE * len(rows):
            return [self.between_pages(table, first, last + 1) & by_key]
        listed_places = _array([str(row.place) for row in rows], "tid")
        return [_ctid(table).op("=", is_comparison=True)(sa.func.any(listed_places)) & by_key]

    def lag(self, connection: sa.Connection) -> float | None:
        """The longest replay lag of a connected replica; None without one, or without the right to see it."""
        query = "SELECT extract(epoch FROM max(replay_lag)) FROM pg_stat_replication"
        found = connection.exec_driver_sql(query).scalar()
        return None if found is None else float(found)


def _ctid(table: Any) -> sa.ColumnElement[Any]:
    return sa.column("ctid", _Spelled("tid"), _selectable=table)


def _tid(place: str) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(place, sa.Text), _Spelled("tid"))


def _array(values: Sequence[str], kind: str) -> sa.ColumnElement[Any]:
    # Spelled here: the driver looks at every element by itself, which took as long as the deletion.
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    spelled = f'{{"{joined}"}}' if values else "{}"
    return sa.cast(sa.literal(spelled, sa.Text), _Spelled(f"{kind}[]"))
