"""What a server says of itself: the facts that checks compare with what is declared of a system.

A role whose rows are filtered by the server would count too few, and a zero would look like a kept
promise; so that is asked, not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from genuka_pipelines.catalog.host import is_this_machine
from genuka_pipelines.systems.database import Database


@dataclass(frozen=True)
class ServerFacts:
    """`host` is None for a unix socket, which only this machine can reach (`is_embedded`).

    `hidden` are the tables of which the role may not see every row; `bypasses_row_security` is true
    for a role to which such filters do not apply, and for servers that have none.
    """

    product: str
    version: str
    host: str | None
    port: int | None
    is_embedded: bool
    is_loopback: bool
    bypasses_row_security: bool
    hidden: tuple[str, ...]


def server_facts(database: Database) -> ServerFacts:
    """The facts of a database's server; DatabaseUnreachable where it cannot be asked."""
    dialect = database.dialect
    with database.connected() as connection:
        product, version = dialect.product(connection)
        hidden = connection.execute(sa.text(dialect.row_security)) if dialect.row_security else ()
        tables = tuple(str(name) for (name,) in hidden)
        free = dialect.bypasses_row_security
        bypasses = bool(connection.execute(sa.text(free)).scalar()) if free else True
    host = None if database.socket else str(database.url.host or database.url.query.get("host") or "localhost")
    return ServerFacts(
        product=product,
        version=version,
        host=host,
        port=database.url.port,
        is_embedded=host is None,
        is_loopback=is_this_machine(host),
        bypasses_row_security=bypasses,
        hidden=tables,
    )
