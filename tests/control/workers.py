"""What other processes do in these tests, forked from a server that has imported everything once.

Each says `ready` and waits, so that all begin together.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from genuka_pipelines.control import Busy, Check, Control, LeaseLost, Planned, merkle_root, open_control

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.control.workers", "pytest"])


@dataclass
class Worker:
    """A process and what connects us to it."""

    process: BaseProcess
    pipe: Connection

    def heard(self) -> Any:
        """The next thing it says."""
        assert self.pipe.poll(30), "the other process says nothing"
        return self.pipe.recv()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)


def start(work: Callable[..., None], url: str, *arguments: Any) -> Worker:
    """A process that will do `work`."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_run, args=(work, url, theirs, arguments), daemon=True)
    process.start()
    return Worker(process, ours)


def go(*workers: Worker) -> None:
    """Lets them all begin."""
    for worker in workers:
        assert worker.heard() == "ready"
    for worker in workers:
        worker.pipe.send("go")


def finish(*workers: Worker) -> None:
    """They must all end well."""
    for worker in workers:
        worker.process.join(30)
        assert worker.process.exitcode == 0


def _run(work: Callable[..., None], url: str, pipe: Connection, arguments: tuple[Any, ...]) -> None:
    if work is prepare:
        pipe.send("ready")
        pipe.recv()
        open_control(url, upgrade=True).close()
        return
    with open_control(url) as control:
        assert "alembic" not in sys.modules, "opening a current database must stay cheap"
        pipe.send("ready")
        pipe.recv()
        work(control, pipe, *arguments)


def prepare(*_: Any) -> None:
    """Makes the tables."""


def check(number: int) -> Check:
    """A small body."""
    return Check(
        asset=f"genuka/a{number % 7}", check=f"q{number % 5}", clauses=("GK-02",), passed=number % 3 > 0,
        severity="warn", counts={"rows": number},
    )  # fmt: skip


def append(control: Control, _pipe: Connection, count: int) -> None:
    """Two entries a round."""
    for number in range(count):
        now = datetime.now(UTC)
        if number % 3 == 2:
            planned = Planned(rule="genuka/sessions", table="sessions", count=number, root=merkle_root([b"x"]))
            intent = control.ledger.intend(planned, as_of=now, now=now)
            control.ledger.outcome(intent, count=number, root=planned.root, as_of=now, now=now)
        else:
            control.ledger.append_all([check(number), check(number + 1)], as_of=now, now=now)


def race(control: Control, pipe: Connection, owner: str, wanted: int, tally: Path) -> None:
    """Wins the lease so many times, and says the token of each."""
    tokens: list[int] = []
    while len(tokens) < wanted:
        try:
            with control.leases.hold("race", "00", owner, timedelta(seconds=5), renewing=False) as lease:
                # Two holders at once would overwrite each other's sum.
                total = int(tally.read_text())
                time.sleep(0.002)
                tally.write_text(str(total + 1))
                tokens.append(lease.token)
        except Busy:
            continue
    pipe.send(tokens)


def hold(control: Control, pipe: Connection, owner: str, ttl: timedelta) -> None:
    """Holds the lease until it is lost."""
    try:
        with control.leases.hold("sweep", "07", owner, ttl) as lease:
            pipe.send("holding")
            while True:
                lease.check()
                time.sleep(0.01)
    except LeaseLost:
        pipe.send("lost")
