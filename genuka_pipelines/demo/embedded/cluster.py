"""One PostgreSQL server from the wheel: made whole or not at all, started once, found again.

The wheel's own start trusts a pid file, so after a crash it may call a dead server running; here only
an answer at the socket counts, and a half-made data folder never gets the name of a whole one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genuka_pipelines.demo.embedded import postmaster
from genuka_pipelines.demo.embedded.binaries import MAJOR, find_binaries
from genuka_pipelines.demo.embedded.errors import NO_SPACE, StackUnavailable, disk_full
from genuka_pipelines.demo.embedded.place import PORT, Place
from genuka_pipelines.demo.embedded.tuning import FOR_KEEPS, FOR_ONE_RUN, RELAXED, access_rules, start_options

if TYPE_CHECKING:
    from psutil import Process  # type: ignore[import-untyped]
    from psycopg import Connection

SUPERUSER = "postgres"
_PATIENCE = 120.0
_DRAFT = ".data-"
_ANSWER = 5
_ATTEMPTS = 10
_GRACE = 20.0
"""Seconds of silence after which a live server counts as lost; a quarter when even its socket is gone."""


@dataclass(frozen=True)
class Cluster:
    """A server in its place; `for_one_run` trades durability for speed, for tests alone."""

    place: Place
    for_one_run: bool = False

    def url(self, database: str) -> str:
        """The address that SQLAlchemy opens; it holds no secret: the kernel says who knocks."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.place.run}&port={PORT}"

    def ensure_running(self) -> bool:
        """Make and start the server where needed, and wait for its answer; whether it had to be started."""
        process = postmaster.running(self.place.data)
        if process and self._answers(process):
            return False
        if process:
            postmaster.stop(process, self.place)
        self._prepare()
        self._start()
        return True

    def stop(self, *, for_good: bool = False) -> bool:
        """Stop the server if it runs, `for_good` without saving what will be removed; whether it ran."""
        process = postmaster.running(self.place.data)
        if process is None:
            postmaster.clear_remains(self.place)
            return False
        postmaster.stop(process, self.place, politely=not for_good)
        return True

    @contextmanager
    def connection(self) -> Iterator[Connection[tuple[Any, ...]]]:
        """An autocommit connection; raises StackUnavailable when the server does not answer."""
        import psycopg

        try:
            opened = psycopg.connect(
                host=str(self.place.run),
                port=PORT,
                user=SUPERUSER,
                dbname=SUPERUSER,
                connect_timeout=_ANSWER,
                autocommit=True,
            )
        except psycopg.Error:
            raise StackUnavailable(
                f"PostgreSQL in {self.place.root} does not answer: run `genuka down`, then `genuka up`"
            ) from None
        with opened:
            yield opened

    def databases(self) -> dict[str, bool]:
        """The databases by name, and whether each commits without waiting for the disk."""
        with self.connection() as connection:
            rows = connection.execute(
                "SELECT datname, %s = ANY(setconfig) IS TRUE FROM pg_database"
                " LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid AND setrole = 0"
                " WHERE NOT datistemplate AND datname <> %s",
                (RELAXED, SUPERUSER),
            ).fetchall()
        return {str(name): bool(relaxed) for name, relaxed in rows}

    def ensure_databases(self, names: Iterable[str], *, durable: Iterable[str] = ()) -> None:
        """Create what is missing; all but the durable ones may lose their last half second in a crash."""
        from psycopg import errors

        wanted = {name: name not in durable for name in names}
        for _ in range(_ATTEMPTS):
            there = self.databases()
            if all(name in there and (there[name] or not relaxed) for name, relaxed in wanted.items()):
                return
            try:
                for name, relaxed in wanted.items():
                    self._create(name, relaxed=relaxed, exists=name in there)
            except errors.DiskFull:
                raise disk_full(self.place.root) from None
            except (
                errors.DuplicateDatabase,
                errors.UniqueViolation,
                errors.ObjectInUse,
                errors.InternalError_,
            ):
                # what a killed `up` asked for, the server still finishes
                time.sleep(0.2)
        raise StackUnavailable(f"PostgreSQL in {self.place.root} cannot make {', '.join(wanted)}: try again")

    def _create(self, name: str, *, relaxed: bool, exists: bool) -> None:
        from psycopg import sql

        with self.connection() as connection:
            if not exists:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            if relaxed:
                relax = sql.SQL("ALTER DATABASE {} SET " + RELAXED)
                connection.execute(relax.format(sql.Identifier(name)))

    def _prepare(self) -> None:
        postmaster.clear_remains(self.place)
        for half_made in self.place.root.glob(f"{_DRAFT}*"):
            postmaster.end_workers(half_made)
            shutil.rmtree(half_made)
        rules = access_rules(self.place.account.people())
        for file, content in zip((self.place.access, self.place.people), rules, strict=True):
            file.unlink(missing_ok=True)
            file.write_text(content)
            file.chmod(0o644)
        version = self.place.data / "PG_VERSION"
        if not version.exists():
            self._initialise()
        elif (made_by := version.read_text().strip()) != MAJOR:
            raise StackUnavailable(
                f"{self.place.data} was made by PostgreSQL {made_by}, this is {MAJOR}: "
                "run `genuka down --wipe` to begin anew"
            )

    def _initialise(self) -> None:
        draft = Path(tempfile.mkdtemp(dir=self.place.root, prefix=_DRAFT))
        self.place.account.own(draft)
        try:
            done = find_binaries(self.place).run(
                "initdb",
                f"--pgdata={draft}",
                f"--username={SUPERUSER}",
                "--auth=reject",
                "--encoding=UTF8",
                # the same order and the same capitals on every machine
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *(["--no-sync"] if self.for_one_run else []),
                seconds=_PATIENCE,
            )
            if done.returncode:
                raise self._failure("could not be made", done.stdout)
            draft.rename(self.place.data)
        except subprocess.TimeoutExpired:
            raise StackUnavailable(
                f"PostgreSQL took over {_PATIENCE:.0f} s to make {self.place.root}"
            ) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _start(self) -> None:
        options = start_options(self.place, FOR_ONE_RUN if self.for_one_run else FOR_KEEPS)
        log_end = self.place.log.stat().st_size if self.place.log.exists() else 0
        started = find_binaries(self.place).run(
            "pg_ctl",
            "start",
            f"--pgdata={self.place.data}",
            f"--log={self.place.log}",
            f"--options={options}",
            "--wait",
            f"--timeout={_PATIENCE:.0f}",
            seconds=_PATIENCE + 30,
        )
        process = postmaster.running(self.place.data)
        if process is None or not self._answers(process):
            log = (
                self.place.log.read_bytes()[log_end:].decode(errors="replace")
                if self.place.log.exists()
                else ""
            )
            raise self._failure("did not start", log or started.stdout)

    def _answers(self, process: Process) -> bool:
        """Whether the live server lets us in, given time to recover; False when it is out of reach."""
        from psycopg.pq import PGconn, Ping

        conninfo = (
            f"host={self.place.run} port={PORT} dbname={SUPERUSER} user={SUPERUSER} connect_timeout={_ANSWER}"
        )
        begun = heard = time.monotonic()
        while process.is_running():
            match PGconn.ping(conninfo.encode()):
                case Ping.OK:
                    with self.connection() as connection:
                        connection.execute("SELECT 1")
                    return True
                case Ping.REJECT:
                    heard = time.monotonic()
            now = time.monotonic()
            if now - heard > (_GRACE if self.place.socket.exists() else _GRACE / 4):
                return False
            if now - begun > _PATIENCE:
                raise StackUnavailable(
                    f"PostgreSQL in {self.place.root} still recovers after {_PATIENCE:.0f} s: try again later"
                )
            time.sleep(0.05)
        return False

    def _failure(self, what: str, output: str) -> StackUnavailable:
        if NO_SPACE in output:
            return disk_full(self.place.root)
        words = ("FATAL:", "PANIC:", "error:")
        reasons = [
            line.split(word, 1)[1].strip() for line in output.splitlines() for word in words if word in line
        ]
        said = (
            reasons or [line.strip() for line in output.splitlines() if line.strip()] or ["it gave no reason"]
        )
        reason = said[-1][:200]
        return StackUnavailable(f"the PostgreSQL server in {self.place.root} {what}: {reason}")
