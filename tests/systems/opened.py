"""A fresh database of either kind for a module, opened as the house opens it, and a way to fill it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.systems.database import Database, open_database
from tests.servers import Kind, fresh_database

KINDS: tuple[Kind, ...] = ("postgresql", "mariadb")


@functools.cache
def _owner(url: sa.URL) -> sa.Engine:
    return sa.create_engine(url)


@contextmanager
def opened(kind: Kind, **options: Any) -> Iterator[Database]:
    """A new, empty database."""
    with fresh_database(kind) as url, open_database(url, name="shop_database", **options) as database:
        yield database
        _owner(database.url).dispose()


@pytest.fixture(params=KINDS, scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """One empty database of each kind."""
    with opened(request.param) as found:
        yield found


def run(database: Database, *statements: str | sa.Executable) -> None:
    """Change the database as its owner would, on a connection of another engine."""
    with _owner(database.url).begin() as connection:
        for statement in statements:
            if isinstance(statement, str):
                connection.exec_driver_sql(statement.replace("%", "%%"))
            else:
                connection.execute(statement)
    database.refresh()


def fill(database: Database, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the content of a table, making it where it is missing."""
    known = table.name in database.tables()
    with _owner(database.url).begin() as connection:
        if not known:
            table.create(connection)
        connection.execute(table.delete())
        if rows:
            nothing = dict.fromkeys(table.c.keys())
            connection.execute(table.insert(), [nothing | dict(row) for row in rows])
    if not known:
        database.refresh()
