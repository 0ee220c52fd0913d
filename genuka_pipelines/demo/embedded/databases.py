"""The databases of an embedded server, and which of them may forget a crash's last half second.

The ledger's intentions must be on disk before the first row goes; the synthetic databases need not
wait, and a load of millions of rows should not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from genuka_pipelines.demo.embedded.door import SUPERUSER, session
from genuka_pipelines.demo.embedded.errors import StackUnavailable
from genuka_pipelines.demo.embedded.place import Place
from genuka_pipelines.demo.embedded.tuning import RELAXED

_ATTEMPTS = 10


def existing(place: Place) -> dict[str, bool]:
    """The databases by name, and whether each commits without waiting for the disk."""
    with session(place) as opened:
        rows = opened.execute(
            "SELECT datname, %s = ANY(setconfig) IS TRUE FROM pg_database"
            " LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid AND setrole = 0"
            " WHERE NOT datistemplate AND datname <> %s",
            (RELAXED, SUPERUSER),
        ).fetchall()
    return {str(name): bool(relaxed) for name, relaxed in rows}


def ensure(place: Place, names: Iterable[str], *, durable: Iterable[str] = ()) -> None:
    """Create what is missing; all but the durable ones commit without waiting for the disk."""
    from psycopg import errors

    wanted = {name: name not in durable for name in names}
    for _ in range(_ATTEMPTS):
        there = existing(place)
        if all(name in there and there[name] >= relaxed for name, relaxed in wanted.items()):
            return
        try:
            for name, relaxed in wanted.items():
                _create(place, name, relaxed=relaxed, exists=name in there)
        except (errors.DuplicateDatabase, errors.UniqueViolation, errors.ObjectInUse, errors.InternalError_):
            # what a killed `up` asked for, the server still finishes
            time.sleep(0.2)
    raise StackUnavailable(f"PostgreSQL in {place.root} cannot make {', '.join(wanted)}: try again")


def _create(place: Place, name: str, *, relaxed: bool, exists: bool) -> None:
    from psycopg import sql

    with session(place) as opened:
        if not exists:
            opened.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        if relaxed:
            opened.execute(sql.SQL("ALTER DATABASE {} SET " + RELAXED).format(sql.Identifier(name)))
