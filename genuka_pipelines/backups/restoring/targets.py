"""Databases that a restore makes for itself beside the one it was given, and drops again if they were scratch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dropping import drop_database, exists
from genuka_pipelines.systems.errors import named

_BESIDE = {"postgresql": "postgres", "mysql": "information_schema"}
_MAKE = {
    "postgresql": "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'",
    "mysql": "CREATE DATABASE {name} CHARACTER SET utf8mb4",
}


def made_if_missing(url: sa.URL) -> bool:
    """Make the empty database of a URL; False where it is there. The named error of a server that refuses."""
    with Database(url, name="the restore's target") as database:
        if exists(database):
            return False
        dialect = database.dialect
        engine = sa.create_engine(
            database.url.set(database=_BESIDE[dialect.name]),
            connect_args=dialect.connect_args(database.url),
            isolation_level="AUTOCOMMIT",
            poolclass=sa.NullPool,
            hide_parameters=True,
        )
        try:
            with engine.connect() as connection:
                quoted = connection.dialect.identifier_preparer.quote(str(database.url.database))
                connection.exec_driver_sql(_MAKE[dialect.name].format(name=quoted.replace("%", "%%")))
        except sa.exc.DBAPIError as error:
            trouble, code = dialect.trouble(error.orig or error)
            raise named(trouble, database.name, database.place, code) from None
        finally:
            engine.dispose()
    return True


@contextmanager
def scratch(*urls: sa.URL) -> Iterator[None]:
    """Databases that are gone at the end, whatever happened; what is there already is left as it is."""
    ours = [url for url in urls if made_if_missing(url)]
    try:
        yield
    finally:
        for url in ours:
            with Database(url, name="the drill's scratch") as database:
                drop_database(database)
