"""One PostgreSQL and one MariaDB per test run, and a fresh database in milliseconds.

Every room tests against real servers; if each started its own, a run would spend its time starting
servers, and a killed run would leave them behind.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import URL, create_engine, make_url, text

from genuka_pipelines.control import open_control
from genuka_pipelines.demo.embedded import Stack, down, up
from genuka_pipelines.demo.embedded.account import server_account
from genuka_pipelines.demo.embedded.cluster import Cluster
from genuka_pipelines.demo.embedded.place import make_place
from genuka_pipelines.demo.embedded.postmaster import ended
from genuka_pipelines.settings import EMBEDDABLE

Kind = Literal["postgresql", "mariadb"]
_PREFIX = "gkt-"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """A running server: `url(name)` opens one of its databases as an administrator, on a unix socket."""

    kind: Kind
    base: URL
    process: psutil.Process

    def url(self, database: str) -> URL:
        return self.base.set(database=database)

    def run(self, *statements: str, database: str | None = None) -> None:
        """Run statements one by one, each committed by itself."""
        maintenance = "postgres" if self.kind == "postgresql" else "mysql"
        engine = create_engine(self.url(database or maintenance), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement.replace(":", r"\:")))
        engine.dispose()


@functools.cache
def postgres_server() -> Server:
    """The one PostgreSQL of this run: without durability, stopped and removed at the end."""
    folder = _scratch()
    cluster = Cluster(make_place(folder, "pg", server_account(), folder), for_one_run=True)
    cluster.ensure_running()
    process = psutil.Process(int((cluster.place.data / "postmaster.pid").read_text().split("\n", 1)[0]))
    return Server("postgresql", make_url(cluster.url("postgres")), process)


@functools.cache
def mariadb_server() -> tuple[Server | None, str]:
    """The one MariaDB of this run, or None and the reason to skip."""
    programs = [
        shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("mariadb-install-db", "mariadbd")
    ]
    if not all(programs):
        return None, "MariaDB is not installed: apt-get install mariadb-server"
    install, daemon = (str(program) for program in programs)
    folder = _scratch()
    user = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # One starting server removes the temporary tables of all others that share a folder for them.
    common = ["--no-defaults", f"--user={user}", f"--datadir={folder}/data", f"--tmpdir={folder}/tmp"]
    (folder / "tmp").mkdir(mode=0o700)
    shutil.chown(folder / "tmp", user)
    subprocess.run(
        [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    run = folder / "run"
    run.mkdir(mode=0o700)
    shutil.chown(run, user)
    process = subprocess.Popen(
        [
            daemon,
            *common,
            f"--socket={run}/s",
            f"--pid-file={run}/pid",
            f"--log-error={run}/log",
            "--skip-networking",
            "--skip-log-bin",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-doublewrite=0",
            "--innodb-buffer-pool-size=256M",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--default-time-zone=+00:00",
        ],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(
        "mariadb",
        make_url(f"mysql+pymysql://root@localhost/mysql?unix_socket={run}/s&charset=utf8mb4"),
        psutil.Process(process.pid),
    )
    _wait_for_mariadb(server, run / "log")
    return server, ""


def server(kind: Kind) -> Server:
    """The server of a kind; skips the test, loudly, where it is not installed."""
    if kind == "postgresql":
        return postgres_server()
    found, reason = mariadb_server()
    if found is None:
        pytest.skip(reason)
    return found


class Homes:
    """Homes of embedded stacks in a short folder; all that were brought up are wiped at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.base, self.made = folder, folder / "base", list[Path]()
        self.base.mkdir(mode=0o711)

    def new(self, name: str = "") -> Path:
        self.made.append(self.folder / (name or f"h{next(_numbers)}"))
        return self.made[-1]

    def up(self, home: Path, wanted: Iterable[str] = EMBEDDABLE) -> Stack:
        return up(home, wanted=wanted, base=self.base)


@contextmanager
def embedded_homes() -> Iterator[Homes]:
    """A place for embedded stacks; fails when one leaves something of its server behind."""
    folder = _scratch()
    homes = Homes(folder)
    try:
        yield homes
        for home in homes.made:
            down(home, wipe=True)
        assert list(homes.base.iterdir()) == []
    finally:
        _remove(folder)


def as_ordinary_user(work: Callable[[], object]) -> None:
    """Do something without root's rights, in a forked process; raises AssertionError with what it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.setgroups([])
                os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
                os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
            work()
        except BaseException:  # noqa: BLE001
            os.write(writer, traceback.format_exc().encode()[-60_000:])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        failure = stream.read()
    os.waitpid(child, 0)
    assert not failure, failure


@contextmanager
def fresh_database(kind: Kind, template: str | None = None) -> Iterator[URL]:
    """An empty database, or a copy of the database named `template` (no one may be working in it)."""
    here = server(kind)
    name = f"t{next(_numbers)}"
    if kind == "postgresql":
        copy = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        here.run(f'CREATE DATABASE "{name}"{copy}')
    else:
        here.run(f"CREATE DATABASE `{name}`")
        if template:
            _copy_mariadb(here, template, name)
    try:
        yield here.url(name)
    finally:
        # Gone already where the story was its end.
        here.run(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
            if kind == "postgresql"
            else f"DROP DATABASE IF EXISTS `{name}`"
        )


@contextmanager
def fresh_control() -> Iterator[URL]:
    """A control database on PostgreSQL that has its tables and holds nothing: a copy of one made once in this run."""
    with fresh_database("postgresql", template=_empty_control()) as url:
        yield url


@functools.cache
def _empty_control() -> str:
    here, name = postgres_server(), "control"
    here.run(f'CREATE DATABASE "{name}"')
    open_control(here.url(name).render_as_string(hide_password=False), upgrade=True).close()
    return name


def _copy_mariadb(here: Server, template: str, name: str) -> None:
    engine = create_engine(here.url(name))
    with engine.begin() as connection:
        # empty sql_mode: generated columns are recomputed instead of refused
        connection.execute(text("SET foreign_key_checks = 0, sql_mode = ''"))
        tables = connection.execute(text(f"SHOW FULL TABLES FROM `{template}` WHERE table_type = 'BASE TABLE'"))
        for table, _ in tables.fetchall():
            definition = connection.execute(text(f"SHOW CREATE TABLE `{template}`.`{table}`")).one()[1]
            connection.exec_driver_sql(definition.replace("%", "%%"))
            connection.exec_driver_sql(f"INSERT INTO `{table}` SELECT * FROM `{template}`.`{table}`")
    engine.dispose()


def _wait_for_mariadb(server: Server, log: Path) -> None:
    for _ in range(600):
        with suppress(Exception):
            server.run("SELECT 1")
            return
        if not server.process.is_running() or server.process.status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    raise RuntimeError(f"MariaDB did not start: {log.read_text()[-2000:]}")


def _scratch() -> Path:
    """A short folder that names this process, which the servers' accounts can pass through."""
    for old in quick_disk().glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError):
            if old.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(old.name.split("-")[1])):
                _remove(old)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=quick_disk()))
    folder.chmod(0o711)
    atexit.register(_remove_ours, folder, os.getpid())
    return folder


def quick_disk() -> Path:
    """A disk in memory where it is large enough: a busy real one makes each flush wait for seconds."""
    memory = Path("/dev/shm")
    fits = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4_000_000_000
    return memory if fits else Path(tempfile.gettempdir())


def _remove_ours(folder: Path, owner: int) -> None:
    # a forked worker inherits this duty, but not the servers
    if os.getpid() == owner:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Stop what works in a scratch folder of a test run, by its process id, and remove the folder."""
    folders = {path.parent for path in folder.rglob("postmaster.pid")} | {folder / "data"}
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] in ("postgres", "mariadbd") and Path(process.cwd()) in folders:
                # SIGQUIT lets a postmaster end its children and give back its shared memory
                process.send_signal(signal.SIGQUIT if process.info["name"] == "postgres" else signal.SIGKILL)
                if not ended(process, 10):
                    process.kill()
    shutil.rmtree(folder, ignore_errors=True)
