"""The one way into an embedded server: its address, a knock, a session.

Only an answer at the socket proves a server; a pid file or a listening socket may be what a killed
one left behind, and a driver's own words may hold values that must not be shown.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genuka_pipelines.demo.embedded.errors import StackUnavailable, disk_full
from genuka_pipelines.demo.embedded.place import PORT, Place

if TYPE_CHECKING:
    from psutil import Process  # type: ignore[import-untyped]
    from psycopg import Connection

SUPERUSER = "postgres"
PATIENCE = 120.0
"""Seconds that making, starting or recovering a server may take."""
_ANSWER = 5
_GRACE = 20.0
"""Seconds of silence after which a live server counts as lost; a quarter when even its socket is gone."""


def url(place: Place, database: str) -> str:
    """The address that SQLAlchemy opens; it holds no secret: the kernel says who knocks."""
    return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={place.run}&port={PORT}"


@contextmanager
def session(place: Place) -> Iterator[Connection[tuple[Any, ...]]]:
    """An autocommit session; raises StackUnavailable when the server does not answer or goes away."""
    import psycopg

    try:
        opened = psycopg.connect(_conninfo(place), autocommit=True)
    except psycopg.Error:
        raise StackUnavailable(
            f"PostgreSQL in {place.root} does not answer: run `genuka down`, then `genuka up`"
        ) from None
    with opened:
        try:
            yield opened
        except psycopg.errors.DiskFull:
            raise disk_full(place.root) from None
        except psycopg.OperationalError:
            if opened.closed:
                raise StackUnavailable(f"PostgreSQL in {place.root} went away: run `genuka up`") from None
            raise


def answers(place: Place, process: Process) -> bool:
    """Whether the live server lets us in, given time to recover; False when it is out of reach."""
    from psycopg.pq import PGconn, Ping

    begun = heard = time.monotonic()
    while process.is_running():
        match PGconn.ping(_conninfo(place).encode()):
            case Ping.OK:
                with session(place) as opened:
                    opened.execute("SELECT 1")
                return True
            case Ping.REJECT:
                heard = time.monotonic()
        now = time.monotonic()
        if now - heard > (_GRACE if place.socket.exists() else _GRACE / 4):
            return False
        if now - begun > PATIENCE:
            raise StackUnavailable(f"PostgreSQL in {place.root} still recovers after {PATIENCE:.0f} s: try again later")
        time.sleep(0.05)
    return False


def _conninfo(place: Place) -> str:
    return f"host={place.run} port={PORT} user={SUPERUSER} dbname={SUPERUSER} connect_timeout={_ANSWER}"
