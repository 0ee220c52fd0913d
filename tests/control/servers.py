"""What these tests do to the run's two servers: control databases to read, to break, to copy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pymysql
from sqlalchemy import make_url

from genuka_pipelines.control import open_control
from tests import servers

TABLES = (
    *("ledger_open_intents", "ledger_entries", "ledger_head", "leases", "reviews"),
    *("holds", "pace", "switches", "erasures", "notices", "budget_debits"),
)


@dataclass
class Server:
    """One server and the databases that a test may have on it."""

    dialect: str
    base: str
    numbers: Iterator[int] = field(default_factory=itertools.count)
    shared: str | None = None
    template: str | None = None

    def url(self, database: str) -> str:
        return self.base.replace("/DATABASE", f"/{database}")

    def empty(self, *, like: str | None = None) -> str:
        """The address of a new database without tables."""
        name = f"c{next(self.numbers)}"
        suffix = f" TEMPLATE {like}" if like else ""
        self.run("postgres" if self.dialect == "postgresql" else "mysql", f"CREATE DATABASE {name}{suffix}")
        return self.url(name)

    def own(self) -> str:
        """The address of a new control database, which the test may break."""
        if self.template:
            return self.empty(like=self.template)
        url = self.empty()
        open_control(url, upgrade=True).close()
        if self.dialect == "postgresql":
            self.template = database_of(url)
            return self.empty(like=self.template)
        return url

    def emptied(self) -> str:
        """The address of a control database that tests share one after the other, as good as new."""
        if self.shared is None:
            self.shared = self.own()
            return self.shared
        if self.dialect == "postgresql":
            clear = ["SET session_replication_role = replica", f"TRUNCATE {', '.join(TABLES)}"]
        else:
            clear = ["SET foreign_key_checks = 0", *(f"TRUNCATE TABLE {table}" for table in TABLES)]
        first = f"INSERT INTO ledger_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')"
        self.run(database_of(self.shared), *clear, first)
        return self.shared

    def run(self, database: str, *statements: str) -> list[tuple[object, ...]]:
        """Runs statements past our own door, as a superuser; the rows of the last one."""
        url = make_url(self.url(database))
        if self.dialect == "postgresql":
            with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
                cursor = connection.cursor()
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        socket = str(url.query["unix_socket"])
        connection_ = pymysql.connect(unix_socket=socket, user=url.username, database=database, autocommit=True)
        with connection_, connection_.cursor() as cursor_:
            for statement in statements:
                cursor_.execute(statement)
            return list(cursor_.fetchall())


def database_of(url: str) -> str:
    """The name at the end of an address."""
    return url.split("?")[0].rsplit("/", 1)[1]


def server(kind: servers.Kind) -> Server:
    """The run's server of a kind, under the names that the control database is configured with."""
    named = servers.server(kind).url("DATABASE").set(drivername=kind)
    if kind == "postgresql":
        # With an empty password, as in the addresses that administrators write.
        named = named.set(password="")
    return Server("postgresql" if kind == "postgresql" else "mysql", named.render_as_string(hide_password=False))
