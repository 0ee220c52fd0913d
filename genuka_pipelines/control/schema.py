"""Brings a control database to the shape this program needs, or refuses in one sentence.

Two processes may start at once on an empty server, one may be killed midway, and the address may
point at somebody else's database: none of these may leave half a schema or touch foreign tables.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, String, column, inspect, select, table, text

from genuka_pipelines.control.database import place, quiet
from genuka_pipelines.control.errors import (
    ControlNotReady,
    ControlRefused,
    ControlTooNew,
    ForeignDatabase,
)

HEAD = "0007"
"""The newest migration, known without loading the migrations; a test compares it with them."""
VERSION_TABLE = "genuka_control_version"
MIGRATIONS = Path(__file__).parent / "migrations"
_one_thread = threading.Lock()
_LOCK = int.from_bytes(hashlib.sha256(b"genuka control schema").digest()[:7], "big")


def upgrade(engine: Engine) -> bool:
    """Makes or updates the tables; True when anything was done. Safe to repeat and to run in parallel.

    Raises ForeignDatabase, ControlTooNew, ControlRefused, ControlUnreachable.
    """
    with quiet(engine):
        with engine.connect() as connection:
            if _state(connection) == "current":
                return False
        with _one_thread, engine.connect() as connection, _alone(connection):
            if _state(connection) == "current":
                return False
            _migrate(connection)
            connection.commit()
            return True


def refuse_unless_current(engine: Engine) -> None:
    """One query; raises ControlNotReady, ForeignDatabase or ControlTooNew unless the shape is right."""
    with quiet(engine), engine.connect() as connection:
        state = _state(connection)
    if state != "current":
        raise ControlNotReady(f"the control database {place(engine)} is {state}: `genuka up` brings it up to date")


def _state(connection: Connection) -> Literal["current", "empty", "older than this program"]:
    engine = connection.engine
    found = inspect(connection)
    # Asked once: between two questions another process may have begun to make the tables.
    names = {*found.get_table_names(), *found.get_view_names()}
    if VERSION_TABLE not in names:
        if names:
            raise ForeignDatabase(
                f"the database {place(engine)} holds {len(names)} tables that are not a control database's: "
                "give GENUKA_CONTROL_URL a database of its own"
            )
        return "empty"
    written = select(column("version_num", String)).select_from(table(VERSION_TABLE))
    versions = set(connection.execute(written).scalars())
    if versions == {HEAD}:
        return "current"
    known = {path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py")}
    if versions - known:
        raise ControlTooNew(
            f"the control database {place(engine)} has version {max(versions)} and this program knows "
            f"{HEAD} at most: install the newer genuka-pipelines that made it"
        )
    return "older than this program"


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """One migrating process a database: the others wait here, then find the work done."""
    if connection.dialect.name != "mysql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield
        return
    # GET_LOCK is the whole server's, and survives the commit that each CREATE TABLE makes.
    name = f"genuka_{hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()[:32]}"
    if connection.execute(text("SELECT GET_LOCK(:name, 60)"), {"name": name}).scalar() != 1:
        raise ControlRefused(
            f"the control database {place(connection.engine)} is being prepared by another process "
            "for more than a minute: wait for it to end"
        )
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def _migrate(connection: Connection, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("version_locations", str(MIGRATIONS / "versions").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
