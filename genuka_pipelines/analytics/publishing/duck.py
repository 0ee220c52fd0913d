"""The few statements that make a table in the file: names quoted, comments in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genuka_pipelines.analytics.publishing.columns import Column
from genuka_pipelines.catalog.value import Words

if TYPE_CHECKING:
    import duckdb


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it, where no parameter may stand."""
    return "'" + text.replace("'", "''") + "'"


def create(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column], says: Words) -> None:
    """An empty table of the attached file `made`, with a comment on it and on every column."""
    table = f"made.{quoted(name)}"
    listed = ", ".join(f"{quoted(column.name)} {column.type}" for column in columns)
    connection.execute(f"CREATE TABLE {table} ({listed})")
    connection.execute(f"COMMENT ON TABLE {table} IS {literal(both(says))}")
    for column in columns:
        connection.execute(f"COMMENT ON COLUMN {table}.{quoted(column.name)} IS {literal(both(column.says))}")


def fill(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column], rows: Sequence[tuple[object, ...]]
) -> None:
    """Put rows into such a table."""
    marks = ", ".join("?" for _ in columns)
    for row in rows:
        connection.execute(f"INSERT INTO made.{quoted(name)} VALUES ({marks})", row)  # noqa: S608 - names are quoted


def both(words: Words) -> str:
    """A text in both languages, for where only one text fits."""
    return words.en if words.en == words.fr else f"{words.en} · {words.fr}"
