"""Drops a whole database, and tells whether it is there and which one it really is.

It is the one step that no batch and no transaction can take back. So a database is known by what its
server says of it, not by how its address is spelled, and is dropped from beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import named

_BESIDE = {"postgresql": "postgres", "mysql": "information_schema"}
_PATIENCE = {"postgresql": "SET lock_timeout = '20s'", "mysql": "SET SESSION lock_wait_timeout = 20"}
"""A DROP waits for whoever reads a table, by MySQL's own default for a day."""
_DROP = {"postgresql": "DROP DATABASE IF EXISTS {name} WITH (FORCE)", "mysql": "DROP DATABASE IF EXISTS {name}"}
_THERE = {
    "postgresql": "SELECT count(*) FROM pg_database WHERE datname = :name",
    "mysql": "SELECT count(*) FROM information_schema.schemata WHERE schema_name = :name",
}
_IDENTITY = {
    "postgresql": "SELECT c.system_identifier::text || '/' || d.oid::text FROM pg_control_system() c, pg_database d "
    "WHERE d.datname = current_database()",
    "mysql": "SELECT concat_ws('/', @@hostname, @@port, @@socket, @@datadir, database())",
}


def identity(database: Database) -> str:
    """What tells this database from every other, however each is addressed."""
    with database.connected() as connection:
        return str(connection.execute(sa.text(_IDENTITY[database.dialect.name])).scalar_one())


def exists(database: Database) -> bool:
    """Whether the server has it. The named error of a server that cannot be asked."""
    with beside(database) as connection:
        return _there(connection, database)


def drop_database(database: Database) -> bool:
    """Drop it, with whoever is still connected; whether it is gone. No error where it was gone before.

    Raises the named error of a server that refuses, most often for want of the right to drop.
    """
    database.close()
    name = database.dialect.name
    with beside(database) as connection:
        quoted = connection.dialect.identifier_preparer.quote(str(database.url.database))
        connection.exec_driver_sql(_PATIENCE[name])
        connection.exec_driver_sql(_DROP[name].format(name=quoted.replace("%", "%%")))
        return not _there(connection, database)


def _there(connection: sa.Connection, database: Database) -> bool:
    query = sa.text(_THERE[database.dialect.name])
    return bool(connection.execute(query, {"name": database.url.database}).scalar_one())


@contextmanager
def beside(database: Database) -> Iterator[sa.Connection]:
    """A connection to another database of the same server."""
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
            yield connection
    except sa.exc.DBAPIError as error:
        trouble, code = dialect.trouble(error.orig or error)
        raise named(trouble, database.name, database.place, code) from None
    finally:
        engine.dispose()
