"""Copies the catalogue into PostgreSQL for BI tools, in one transaction: they see all of the old or all of the new.

Tables that keep their columns keep their rows' place too (delete and copy), so that no reader is kept
waiting and what somebody built on them stays. What is in the schema and not ours is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genuka_pipelines.analytics.publishing.errors import WarehouseRefused
from genuka_pipelines.analytics.publishing.reader_role import ready_role

if TYPE_CHECKING:
    import duckdb
    import psycopg
    from sqlalchemy import URL

SCHEMA = "analytics"
_MARK = "genuka: "
"""How the comment on each of our tables begins; a table without it is somebody else's."""
_TYPES = {
    "VARCHAR": "text",
    "DATE": "date",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
}
_BATCH = 20_000
_LOCK_TIMEOUT = "30s"


@dataclass(frozen=True)
class Copied:
    """What BI tools find. `lacking`: what an administrator has yet to do, a sentence each; none is good."""

    tables: tuple[str, ...]
    rows: int
    lacking: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    name: str
    comment: str
    columns: tuple[tuple[str, str, str], ...]
    """Name, type in PostgreSQL, comment."""


def copy_to_warehouse(url: URL, file: Path) -> Copied:
    """Make schema `analytics` hold what the catalogue in `file` holds; raises WarehouseRefused."""
    import duckdb
    from psycopg import sql

    with warehouse(url) as target, duckdb.connect(str(file), read_only=True) as source, target.transaction():
        target.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        target.execute("SELECT pg_advisory_xact_lock(hashtext('genuka analytics'))")
        target.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        tables = _tables(source)
        _drop_others(target, {table.name for table in tables})
        rows = sum(_copy(source, target, table) for table in tables)
        lacking = ready_role(target, SCHEMA, [table.name for table in tables])
    return Copied(tuple(table.name for table in tables), rows, lacking)


@contextmanager
def warehouse(url: URL) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the warehouse; whatever the server refuses becomes one sentence without a secret."""
    import psycopg

    if url.get_backend_name() != "postgresql":
        raise WarehouseRefused("GENUKA_ANALYTICS_URL is not PostgreSQL: write postgresql://user:password@host/name")
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain, autocommit=True, connect_timeout=10) as connection:
            yield connection
    except psycopg.Error as error:
        raise WarehouseRefused(_sentence(error)) from None


def _sentence(error: psycopg.Error) -> str:
    import psycopg

    match error:
        case psycopg.errors.DependentObjectsStillExist():
            why = "a view of somebody's stands on a table whose columns changed: drop that view, then publish again"
        case psycopg.errors.LockNotAvailable():
            why = f"somebody has kept one of its tables for more than {_LOCK_TIMEOUT}: publish again later"
        case psycopg.errors.InsufficientPrivilege():
            why = "this user may not write there: GRANT CREATE ON DATABASE, and own the schema analytics"
        case psycopg.errors.DuplicateTable():
            why = "a table that is not ours bears the name of one of ours: move it to another schema"
        case psycopg.OperationalError() if error.sqlstate is None:
            why = "nobody answers at GENUKA_ANALYTICS_URL, or the password is wrong"
        case _:
            why = f"PostgreSQL refused with {error.sqlstate or type(error).__name__}"
    return f"the copy for BI tools is as it was: {why}"


def _tables(source: duckdb.DuckDBPyConnection) -> list[_Table]:
    """The tables of the catalogue, as the file itself tells them."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for table, column, kind, says in source.execute(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"
        " ORDER BY table_name, column_index"
    ).fetchall():
        found.setdefault(table, []).append((column, _TYPES[kind], says or ""))
    comments = dict(source.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
    return [_Table(name, comments[name] or "", tuple(columns)) for name, columns in found.items()]


def _drop_others(target: psycopg.Connection[Any], names: set[str]) -> None:
    """Drop the tables that were ours and are published no more."""
    from psycopg import sql

    for (name,) in target.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') LIKE %s",
        (SCHEMA, f"{_MARK}%"),
    ).fetchall():
        if name not in names:
            target.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, name)))


def _copy(source: duckdb.DuckDBPyConnection, target: psycopg.Connection[Any], table: _Table) -> int:
    """Replace the rows of one table; how many it has now."""
    from psycopg import sql

    from genuka_pipelines.analytics.publishing.duck import quoted

    there = sql.Identifier(SCHEMA, table.name)
    if not _as_it_was(target, table):
        if _ours(target, table.name):
            target.execute(sql.SQL("DROP TABLE {}").format(there))
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind, _ in table.columns
        )
        target.execute(sql.SQL("CREATE TABLE {} ({})").format(there, columns))
    _comment(target, table)
    target.execute(sql.SQL("DELETE FROM {}").format(there))
    rows = 0
    reading = source.execute(f"SELECT * FROM {quoted(table.name)}")  # noqa: S608 - the name is quoted
    with target.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(there)) as copy:
        while batch := reading.fetchmany(_BATCH):
            for row in batch:
                copy.write_row([_plain(value) for value in row])
            rows += len(batch)
    return rows


def _as_it_was(target: psycopg.Connection[Any], table: _Table) -> bool:
    """Whether the table is there, is ours and has the same columns."""
    found = target.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        (f'{SCHEMA}."{table.name}"',),
    ).fetchall()
    wanted = [(name, "timestamp without time zone" if kind == "timestamp" else kind) for name, kind, _ in table.columns]
    return found == wanted and _ours(target, table.name)


def _ours(target: psycopg.Connection[Any], name: str) -> bool:
    found = target.execute(
        "SELECT obj_description(to_regclass(%s), 'pg_class') LIKE %s", (f'{SCHEMA}."{name}"', f"{_MARK}%")
    ).fetchone()
    return bool(found and found[0])


def _comment(target: psycopg.Connection[Any], table: _Table) -> None:
    from psycopg import sql

    there = sql.Identifier(SCHEMA, table.name)
    target.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(there, sql.Literal(_MARK + table.comment)))
    for name, _, says in table.columns:
        column = sql.Identifier(SCHEMA, table.name, name)
        target.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(says)))


def _plain(value: object) -> object:
    """PostgreSQL has no text with a zero in it; MySQL, where a key may come from, has."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
