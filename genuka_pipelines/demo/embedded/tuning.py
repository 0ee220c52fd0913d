"""How the embedded server is set up, given at each start so that a moved or older stack follows.

A demo loads millions of rows on a laptop: the settings below make that quick without giving up what
the control database promises. `fsync` stays on, and only the synthetic databases commit without
waiting; the control database waits, so an intention is on disk before the first row goes.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from genuka_pipelines.demo.embedded.place import PORT, Place

RELAXED = "synchronous_commit=off"
"""Set on each synthetic database, never on `control`: a crash may undo its last half second, not break it.
A commit in `control` also flushes what was committed before it: the ledger never runs ahead of the data."""

_WAYS_IN = {
    "listen_addresses": "",  # no network, so no port can be in use and nobody outside can knock
    "port": str(PORT),
    "unix_socket_permissions": "0700",
}
_SPEED = {
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",  # indexes are built after the load
    "wal_level": "minimal",  # a table filled in the transaction that makes it is written once, not twice
    "max_wal_senders": "0",
    "max_wal_size": "2GB",  # no checkpoint in the middle of a load
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
}
_SAFETY = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
_SAMENESS = {
    "timezone": "UTC",
    "lc_messages": "C",
}
_DISCRETION = {
    "log_timezone": "UTC",
    "log_min_messages": "log",  # starts and stops; an ERROR's text may hold a value
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",  # DETAIL would hold the values of a duplicate key
    "log_statement": "none",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
FOR_KEEPS = _WAYS_IN | _SPEED | _SAFETY | _SAMENESS | _DISCRETION
"""A stack whose data must survive a crash."""

FOR_ONE_RUN = {name: value for name, value in FOR_KEEPS.items() if name != "fsync"} | {"synchronous_commit": "off"}
"""A server that dies with the tests that started it; `fsync` is off in its own file, where a test may turn it on."""


def start_options(place: Place, tuning: Mapping[str, str]) -> str:
    """The server's options as `pg_ctl -o` hands them to a shell."""
    options = dict(tuning) | {
        "unix_socket_directories": str(place.run),
        "hba_file": str(place.access),
        "ident_file": str(place.people),
    }
    return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())


def access_rules(people: list[str]) -> tuple[str, str]:
    """The contents of `pg_hba.conf` and `pg_ident.conf`: the named system users may be any database user.

    The kernel tells the server who knocks at a socket, so there is no password to keep and nobody
    else gets in, even where a disk keeps no access rights.
    """
    quoted = ('"' + name.replace('"', '""') + '"' for name in people)
    return "local all all peer map=stack\n", "".join(f"stack {name} all\n" for name in quoted)
