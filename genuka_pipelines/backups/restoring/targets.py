"""Databases that a restore makes for itself beside the one it was given, and drops again if they were scratch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dropping import beside, drop_database, exists

_MAKE = {
    "postgresql": "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'",
    "mysql": "CREATE DATABASE {name} CHARACTER SET utf8mb4",
}


def made_if_missing(url: sa.URL) -> bool:
    """Make the empty database of a URL; False where it is there. The named error of a server that refuses."""
    with Database(url, name="the restore's target") as database:
        if exists(database):
            return False
        with beside(database) as connection:
            quoted = connection.dialect.identifier_preparer.quote(str(database.url.database))
            connection.exec_driver_sql(_MAKE[database.dialect.name].format(name=quoted.replace("%", "%%")))
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
