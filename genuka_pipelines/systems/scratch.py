"""Databases that are made for a trial beside the ones in use, and dropped again whatever happened.

A copy of a tenant that outlived its trial would be people's data that no sweep knows of; so its name says what it
was made for and when, and whoever tries next drops what a killed one left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

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
_ABANDONED = timedelta(hours=12)


def answers(database: Database) -> bool:
    """Whether a database is there and lets us in: one connection, that is used again. If not, the server tells why."""
    try:
        with database.connected():
            return True
    except GenukaError:
        return False


def made_if_missing(url: sa.URL, name: str) -> bool:
    """Make the empty database of a URL; False where it is there. `name` is what errors call it."""
    with Database(url, name=name) as database:
        if exists(database):
            return False
        with beside(database) as connection:
            quoted = connection.dialect.identifier_preparer.quote(str(database.url.database))
            connection.exec_driver_sql(_MAKE[database.dialect.name].format(name=quoted.replace("%", "%%")))
    return True


@contextmanager
def scratch(server: sa.URL, purpose: str, key: str, now: datetime) -> Iterator[sa.URL]:
    """An empty database on a server for one trial, dropped at the end.

    `purpose` and `key` are short lower-case names: what a killed trial of the same key left is dropped first, and
    what others left twelve hours ago. `server` is the URL of any database there, which is not touched.
    """
    ours = re.compile(rf"genuka_{purpose}_(\d{{14}})_([0-9a-f]+)", re.ASCII)
    before = f"{(now - _ABANDONED).astimezone(UTC):%Y%m%d%H%M%S}"

    def is_abandoned(name: str) -> bool:
        made = ours.fullmatch(name)
        return made is not None and (made[2] == key or made[1] < before)

    drop_databases(server, is_abandoned)
    url = server.set(database=f"genuka_{purpose}_{now.astimezone(UTC):%Y%m%d%H%M%S}_{key}")
    with made_for_now(url, name="the trial's scratch"):
        yield url


@contextmanager
def made_for_now(*urls: sa.URL, name: str) -> Iterator[None]:
    """Databases that are gone at the end, whatever happened; what is there already is left as it is."""
    ours = [url for url in urls if made_if_missing(url, name)]
    try:
        yield
    finally:
        for url in ours:
            with Database(url, name=name) as database:
                drop_database(database)


def drop_databases(server: sa.URL, chosen: Callable[[str], bool]) -> int:
    """Drop the databases of a server whose names are chosen, with what is in quarantine there; how many.

    Without this people would stay in a copy that somebody who was killed had made, and that no sweep knows of.
    """
    with Database(server, name="the trial's server") as database, beside(database) as connection:
        found = connection.exec_driver_sql(_LISTED[connection.dialect.name])
        names = [str(name) for (name,) in found if chosen(str(name))]
    for name in names:
        with Database(server.set(database=name), name="the trial's scratch") as left:
            # On MySQL a quarantine is a database of another name: whoever begins a load takes it away.
            with suppress(TargetNotEmpty), left.load(None):
                pass
            drop_database(left)
    return len(names)
