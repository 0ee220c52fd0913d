"""What other processes do in these tests: `python -m tests.control.workers <what> <url> …`.

Each says `ready` and waits for a line, so that all begin together whatever their start cost.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Check, Control, Planned, merkle_root, open_control


def start(what: str, url: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that has said `ready`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.control.workers", what, url, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process


def go(*processes: subprocess.Popen[str]) -> None:
    """Lets them all begin."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def line(process: subprocess.Popen[str]) -> str:
    """The next thing it says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    """What each said at the end; they must all have ended well."""
    said = [process.communicate(timeout=30)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


def check(number: int) -> Check:
    """A small body."""
    return Check(
        asset=f"genuka/a{number % 7}", check=f"q{number % 5}", clauses=("GK-02",), passed=number % 3 > 0,
        severity="warn", counts={"rows": number},
    )  # fmt: skip


def _append(control: Control, count: str) -> None:
    for number in range(int(count)):
        now = datetime.now(UTC)
        if number % 3 == 2:
            planned = Planned(rule="genuka/sessions", table="sessions", count=number, root=merkle_root([b"x"]))
            intent = control.ledger.intend(planned, as_of=now, now=now)
            control.ledger.outcome(intent, count=number, root=planned.root, as_of=now, now=now)
        else:
            control.ledger.append_all([check(number), check(number + 1)], as_of=now, now=now)


def _race(control: Control, owner: str, rounds: str) -> None:
    won = 0
    for _ in range(int(rounds)):
        try:
            with control.leases.hold("race", "00", owner, timedelta(seconds=5), renewing=False) as lease:
                won += 1
                print("won", lease.token, flush=True)
        except GenukaError as busy:
            assert "race on shard 00" in str(busy)
    print(won, flush=True)


def _hold(control: Control, owner: str, seconds: str) -> None:
    with control.leases.hold("sweep", "07", owner, timedelta(seconds=float(seconds))):
        print("holding", flush=True)
        time.sleep(30)


if __name__ == "__main__":
    work = {"append": _append, "race": _race, "hold": _hold}
    what_, url_, *rest = sys.argv[1:]
    if what_ == "upgrade":
        print("ready", flush=True)
        sys.stdin.readline()
        open_control(url_, upgrade=True).close()
        print("done", flush=True)
    else:
        with open_control(url_) as opened:
            print("ready", flush=True)
            sys.stdin.readline()
            work[what_](opened, *rest)
