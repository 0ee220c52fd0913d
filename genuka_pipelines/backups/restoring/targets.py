"""Databases that a restore makes for itself beside the one it was given, and drops again if they were scratch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dropping import beside, drop_database, exists
from genuka_pipelines.systems.errors import TargetNotEmpty

_MAKE = {
    "postgresql": "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'",
    "mysql": "CREATE DATABASE {name} CHARACTER SET utf8mb4",
}
_LISTED = {
    "postgresql": "SELECT datname FROM pg_database",
    "mysql": "SELECT schema_name FROM information_schema.schemata",
}


def answers(database: Database) -> bool:
    """Whether a database is there and lets us in: one connection, that is used again. If not, the server tells why."""
    try:
        with database.connected():
            return True
    except GenukaError:
        return False


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


def drop_abandoned(server: sa.URL, ours: Callable[[str], bool]) -> int:
    """Drop the databases on a server that somebody who was killed had made for himself, and their quarantines; how
    many. Without this people would stay in a copy that no sweep knows of."""
    with Database(server, name="the drill's server") as database, beside(database) as connection:
        found = connection.exec_driver_sql(_LISTED[connection.dialect.name])
        names = [str(name) for (name,) in found if ours(str(name))]
    for name in names:
        with Database(server.set(database=name), name="the drill's scratch") as left:
            # On MySQL a quarantine is a database of another name: whoever begins a load takes it away.
            with suppress(TargetNotEmpty), left.load(None):
                pass
            drop_database(left)
    return len(names)
