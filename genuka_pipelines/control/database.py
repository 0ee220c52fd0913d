"""The one door to the control database.

Both dialects must mean the same things (UTC, strict values, READ COMMITTED), and a driver's error,
which may repeat a value or a password, must never get past this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    literal,
    literal_column,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control.errors import ControlAddressWrong, ControlRefused, ControlUnreachable
from genuka_pipelines.control.tables import Moment

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql"}
_SESSION = {
    # A transaction that nobody works in for five minutes is of a machine that froze: its locks end.
    "postgresql": "SET TIME ZONE 'UTC'; SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = '5min'; "
    # An intention must survive a crash that follows it, whatever the server's default.
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'",
    "mysql": "SET time_zone = '+00:00', innodb_lock_wait_timeout = 60, wait_timeout = 300, "
    "sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
}
_RIGHTS = "its user lacks a right it needs"
_SPACE = "its disk is full"
_WAITED = "another process held a lock for more than a minute, try again"
_READ_ONLY = "it only reads: give the address of a server that also writes"
_REASONS: dict[str | int, str] = {
    "42501": _RIGHTS, 1044: _RIGHTS, 1142: _RIGHTS, 1227: _RIGHTS, 1370: _RIGHTS,
    "53100": _SPACE, 1021: _SPACE, 1114: _SPACE,
    "55P03": _WAITED, 1205: _WAITED, 1213: _WAITED, "40P01": _WAITED,
    "25006": _READ_ONLY, 1290: _READ_ONLY, 1836: _READ_ONLY,
}  # fmt: skip
_UNREACHABLE = {"53300", "57P01", "57P02", "57P03", 1040, 1045, 1049, 2002, 2003, 2006, 2013, 2026}


class Database:
    """An engine with one meaning on both dialects, and errors that say one sentence."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.mysql = engine.dialect.name == "mysql"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed, durably, when the block ends well; rolled back otherwise."""
        with quiet(self.engine), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database, for reading much."""
        engine = self.engine.execution_options(isolation_level="REPEATABLE READ")
        with quiet(self.engine), engine.connect() as connection:
            yield connection

    @contextmanager
    def around(self) -> Iterator[Connection]:
        """A transaction around work elsewhere, rolled back at its end; the errors of that work pass untouched."""
        with quiet(self.engine):
            connection = self.engine.connect()
        try:
            yield connection
        finally:
            try:
                connection.close()
            except SQLAlchemyError:
                connection.invalidate()

    def clock(self) -> ColumnElement[Any]:
        """The database's own clock while the statement runs, which all processes share."""
        return literal_column("SYSDATE(6)" if self.mysql else "clock_timestamp()", Moment())

    def clock_after(self, delay: timedelta) -> ColumnElement[Any]:
        """The database's clock, `delay` later."""
        if self.mysql:
            microseconds = delay // timedelta(microseconds=1)
            return func.timestampadd(literal_column("MICROSECOND"), literal(microseconds), self.clock())
        return self.clock() + literal(delay)


def connect(url: str) -> Database:
    """A door to the database at `url`; nothing is asked of the server yet. ControlAddressWrong."""
    address = _address(url)
    engine = create_engine(
        address,
        connect_args=_driver_options(address),
        isolation_level="READ COMMITTED",
        pool_size=2,
        max_overflow=30,
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_SESSION[engine.dialect.name])
        connection.commit()

    return Database(engine)


def _address(url: str) -> URL:
    wanted = (
        "the control database's address must be postgresql://user@host/name, mysql://user@host/name "
        "or mariadb://user@host/name"
    )
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise ControlAddressWrong(f"{wanted}; what was given cannot be read as one") from None
    family = address.get_backend_name()
    if family not in _DRIVERS or not address.database:
        raise ControlAddressWrong(
            f"{wanted}; what was given is {address.drivername}:// "
            f"{'without' if not address.database else 'with'} a database name"
        )
    return address.set(drivername=_DRIVERS[family])


def _driver_options(address: URL) -> dict[str, Any]:
    # PyMySQL loads every certificate authority for each connection: 30 ms that a local one need not pay.
    local = address.host in (None, "localhost", "127.0.0.1", "::1")
    asked = any(option.startswith("ssl") for option in address.query)
    return {"ssl_disabled": True} if address.get_backend_name() == "mysql" and local and not asked else {}


def waited_too_long(error: DBAPIError) -> bool:
    """Whether the server gave up waiting for a lock."""
    return _REASONS.get(_code(error)) == _WAITED


def place(engine: Engine) -> str:
    """Where a database is, in words, without user or password."""
    url = engine.url
    host = url.host or url.query.get("host") or url.query.get("unix_socket") or "the local socket"
    return f"'{url.database}' at {host}"


@contextmanager
def quiet(engine: Engine) -> Iterator[None]:
    """Turns whatever a driver raises into one sentence without its text."""
    try:
        yield
    except SQLAlchemyError as error:
        failure = _sentence(error, engine)
    else:
        return
    raise failure from None


def _sentence(error: SQLAlchemyError, engine: Engine) -> GenukaError:
    code = _code(error)
    where = f"the control database {place(engine)}"
    if _out_of_reach(error, code):
        return ControlUnreachable(
            f"{where} cannot be reached{f' (code {code})' if code else ''}: "
            "start it, or correct GENUKA_CONTROL_URL (address, name, user, password)"
        )
    return ControlRefused(f"{where} refused: {_REASONS.get(code, f'error {code} of {type(error).__name__}')}")


def _code(error: SQLAlchemyError) -> str | int:
    """MySQL's number or the SQLSTATE; empty when there is none. Never the driver's text."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    first = cause.args[0] if cause is not None and cause.args else None
    state = getattr(cause, "sqlstate", None)
    return first if isinstance(first, int) else str(state or "")


def _out_of_reach(error: SQLAlchemyError, code: str | int) -> bool:
    never_connected = isinstance(error, OperationalError) and error.statement is None
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return never_connected or lost or code in _UNREACHABLE or str(code)[:2] in ("08", "28", "3D")
