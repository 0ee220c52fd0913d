"""One PostgreSQL server from the wheel: made whole or not at all, started once, found again.

The wheel's own start trusts a pid file, so after a crash it may call a dead server running; here only
an answer at the socket counts, and a half-made data folder never gets the name of a whole one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from genuka_pipelines.demo.embedded import door, postmaster
from genuka_pipelines.demo.embedded.binaries import MAJOR, find_binaries
from genuka_pipelines.demo.embedded.door import PATIENCE
from genuka_pipelines.demo.embedded.errors import NO_SPACE, StackUnavailable, disk_full
from genuka_pipelines.demo.embedded.place import Place
from genuka_pipelines.demo.embedded.tuning import FOR_KEEPS, FOR_ONE_RUN, access_rules, start_options

_DRAFT = ".data-"


@dataclass(frozen=True)
class Cluster:
    """A server in its place; `for_one_run` trades durability for speed, for tests alone."""

    place: Place
    for_one_run: bool = False

    def url(self, database: str) -> str:
        """The address that SQLAlchemy opens; it holds no secret."""
        return door.url(self.place, database)

    def ensure_running(self) -> bool:
        """Make and start the server where needed, and wait for its answer; whether it had to be started."""
        process = postmaster.running(self.place.data)
        if process and door.answers(self.place, process):
            return False
        if process:
            postmaster.stop(process, self.place)
        self._prepare()
        self._start()
        return True

    def stop(self, *, for_good: bool = False) -> bool:
        """Stop the server if it runs; whether it ran. `for_good` saves nothing and puts the data away."""
        process = postmaster.running(self.place.data)
        if process:
            postmaster.stop(process, self.place, politely=not for_good)
        else:
            postmaster.clear_remains(self.place)
        if for_good and self.place.data.exists():
            # half-removed data must never carry the name of whole ones
            self.place.data.rename(tempfile.mkdtemp(dir=self.place.root, prefix=_DRAFT))
        return process is not None

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
                f"--username={door.SUPERUSER}",
                "--auth=reject",
                "--encoding=UTF8",
                # the same order and the same capitals on every machine
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *(["--no-sync", "--set=fsync=off"] if self.for_one_run else []),
                seconds=PATIENCE,
            )
            if done.returncode:
                raise self._failure("could not be made", done.stdout)
            draft.rename(self.place.data)
        except subprocess.TimeoutExpired:
            raise StackUnavailable(f"PostgreSQL took over {PATIENCE:.0f} s to make {self.place.root}") from None
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
            f"--timeout={PATIENCE:.0f}",
            seconds=PATIENCE + 30,
        )
        process = postmaster.running(self.place.data)
        if process is None or not door.answers(self.place, process):
            log = self.place.log.read_bytes()[log_end:] if self.place.log.exists() else b""
            raise self._failure("did not start", log.decode(errors="replace") or started.stdout)

    def _failure(self, what: str, output: str) -> StackUnavailable:
        if NO_SPACE in output:
            return disk_full(self.place.root)
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        reasons = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
        reason = (reasons or lines or ["it gave no reason"])[-1][:200]
        return StackUnavailable(f"the PostgreSQL server in {self.place.root} {what}: {reason}")
