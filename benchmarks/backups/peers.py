"""What anybody would use instead: the server's own dump, into two repositories of restic at once."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from benchmarks.backups.shop import TABLES
from tests.servers import Kind, postgres_server


@dataclass(frozen=True)
class Tools:
    """The command lines of a kind of server."""

    dump: str
    load: str
    reads: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, kind: Kind, url: sa.URL) -> Tools:
        """Those that match the server."""
        if kind == "postgresql":
            folder = Path(postgres_server().process.exe()).parent
            at = shlex.quote(url.set(drivername="postgresql").render_as_string(hide_password=False))
            return cls(
                f"{folder}/pg_dump -Fc {at}",
                f"{folder}/pg_restore --no-owner -d {at}",
                tuple(f"{folder}/psql -qX -c 'copy {table} to stdout' {at}" for table in TABLES),
            )
        at = f"--no-defaults --socket={url.query['unix_socket']} --user={url.username}"
        return cls(
            f"mariadb-dump {at} --single-transaction --quick {url.database} | gzip",
            f"gunzip | mariadb {at} {url.database}",
            tuple(f"mariadb {at} --quick -BN -e 'select * from {table}' {url.database}" for table in TABLES),
        )


@dataclass(frozen=True)
class Restic:
    """One repository in a folder."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Restic:
        """A new one."""
        found = cls(folder)
        shell(f"{found} init")
        return found

    def __str__(self) -> str:
        return f"restic --repo {shlex.quote(str(self.folder))} --no-cache"

    @property
    def backup(self) -> str:
        """Takes what it is given on its standard input."""
        return f"{self} backup --stdin --stdin-filename shop --json"

    @property
    def bytes(self) -> int:
        """What it takes on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @property
    def newest(self) -> int:
        """The bytes of the newest dump."""
        return int(json.loads(shell(f"{self} stats latest --mode restore-size --json"))["total_size"])


def shell(*commands: str) -> str:
    """Run commands one after the other in one shell; what they print."""
    environment = {**os.environ, "RESTIC_PASSWORD": "benchmark", "PGCONNECT_TIMEOUT": "10"}
    joined = "set -euo pipefail\n" + "\n".join(commands)
    done = subprocess.run(["bash", "-c", joined], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{joined}\n{done.stderr[-2000:]}")
    return done.stdout


def backed_up(dump: str, repositories: Sequence[Restic]) -> float:
    """Seconds of one dump into all repositories at the same time."""
    first, *others = repositories
    began = time.perf_counter()
    pipes = [f"{one.folder}.pipe" for one in others]
    waiting = [f"{one.backup} < {pipe} > /dev/null &" for one, pipe in zip(others, pipes, strict=True)]
    shell(
        *(f"mkfifo {pipe}" for pipe in pipes), *waiting, f"{dump} | tee {' '.join(pipes)} | {first.backup}", "wait",
        *(f"rm {pipe}" for pipe in pipes),
    )  # fmt: skip
    return time.perf_counter() - began


def whole_restore(repository: Restic, load: str) -> float:
    """Seconds to get the newest dump out of a repository and into an empty database."""
    began = time.perf_counter()
    shell(f"{repository} dump latest shop | {load}")
    return time.perf_counter() - began


def bare_reads(reads: Sequence[str]) -> float:
    """Seconds of a bare read of all tables, one after the other, to nowhere."""
    began = time.perf_counter()
    shell(*(f"{read} > /dev/null" for read in reads))
    return time.perf_counter() - began
