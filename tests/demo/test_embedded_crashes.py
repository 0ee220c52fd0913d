"""Killed, frozen, crowded: the next `genuka up` gives one server with everything that was committed."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from genuka_pipelines.demo.embedded import StackUnavailable, door, down, home, stack_status
from genuka_pipelines.demo.embedded.account import server_account
from genuka_pipelines.demo.embedded.home import sole_worker
from genuka_pipelines.settings import load_settings, read_stack
from tests.servers import Homes, embedded_homes

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def homes() -> Iterator[Homes]:
    with embedded_homes() as made:
        yield made


@pytest.fixture(scope="module")
def folder(homes: Homes) -> Path:
    made = homes.new()
    homes.up(made)
    return made


def server_folder(folder: Path) -> Path:
    stack = read_stack(folder)
    assert stack is not None
    assert stack.server is not None
    return stack.server


def pid_file(folder: Path) -> Path:
    return server_folder(folder) / "data/postmaster.pid"


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int(pid_file(folder).read_text().split()[0]))


def control(folder: Path) -> psycopg.Connection[tuple[int]]:
    host = load_settings({}, home=folder).url("control").query["host"]
    return psycopg.connect(host=str(host), user="postgres", dbname="control", autocommit=True)


def servers_in(folder: Path) -> list[int]:
    data = server_folder(folder) / "data"
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] == "postgres" and Path(process.cwd()) == data and process.ppid() not in found:
                found.append(process.pid)
    return found


def test_six_at_once_give_one_server(homes: Homes) -> None:
    crowded = homes.new()
    gate, outcomes = FORK.Barrier(6), FORK.Queue()

    def work() -> None:
        gate.wait()
        stack = homes.up(crowded)
        outcomes.put((stack.started, stack.file.model_dump_json()))

    workers = [FORK.Process(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    seen = [outcomes.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sorted(started for started, _ in seen) == [False] * 5 + [True]
    assert {json.dumps(json.loads(text)) for _, text in seen} == {
        json.dumps(json.loads((crowded / "stack.json").read_text()))
    }
    assert servers_in(crowded) == [postmaster(crowded).pid]
    assert {part.state for part in stack_status(crowded)} == {"up"}
    assert not list(crowded.glob(".*.json*"))


def test_what_control_committed_survives_the_servers_violent_end(homes: Homes, folder: Path, rounds: int) -> None:
    with control(folder) as connection:
        connection.execute("CREATE TABLE intents (number int PRIMARY KEY)")
    for number in range(max(2, rounds // 12)):
        busy = threading.Thread(target=_count_for_ever, args=(folder,))
        busy.start()
        with control(folder) as connection:
            while not connection.execute("SELECT 1 FROM pg_stat_activity WHERE query ~ '^SELECT count'").fetchone():
                time.sleep(0.01)
            connection.execute("INSERT INTO intents VALUES (%s)", (number,))
            postmaster(folder).kill()
        assert homes.up(folder).started
        busy.join()
        assert servers_in(folder) == [postmaster(folder).pid]
        with control(folder) as connection:
            assert connection.execute("SELECT count(*) FROM intents").fetchone() == (number + 1,)


def _count_for_ever(folder: Path) -> None:
    with suppress(psycopg.Error), control(folder) as connection:
        connection.execute("SELECT count(*) FROM generate_series(1, 1000000000000)")


def kill_midway(moment: float, work: Callable[..., object], *args: object, **options: object) -> None:
    worker = FORK.Process(target=work, args=args, kwargs=options)
    worker.start()
    time.sleep(moment)
    worker.kill()
    worker.join()


def test_up_and_wipe_killed_at_any_moment_can_be_run_again(homes: Homes, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    for number in range(max(2, rounds // 12)):
        interrupted = homes.new()
        kill_midway(moments.uniform(0.01, 0.8), homes.up, interrupted)
        homes.up(interrupted)
        assert {part.state for part in stack_status(interrupted)} == {"up"}
        assert servers_in(interrupted) == [postmaster(interrupted).pid]
        server = server_folder(interrupted)
        assert not list(server.glob(".data-*"))
        kill_midway(moments.uniform(0.01, 0.2), down, interrupted, wipe=True)
        if number % 2:
            homes.up(interrupted)
            assert {part.state for part in stack_status(interrupted)} == {"up"}
        down(interrupted, wipe=True)
        assert not server.exists()
        assert {path.name for path in interrupted.iterdir()} <= {".gitignore", "stack.lock", "keys"}


def test_a_pid_that_became_a_stranger_is_never_signalled(homes: Homes, folder: Path) -> None:
    real = pid_file(folder).read_text()
    # of the server's own account, since PostgreSQL itself tells strangers of other accounts apart
    stranger = subprocess.Popen(["sleep", "60"], **server_account().becoming())
    try:
        down(folder)
        for content in (real.replace(real.split()[0], str(stranger.pid), 1), "", "nonsense\n"):
            pid_file(folder).write_text(content)
            assert not down(folder).stopped
            pid_file(folder).write_text(content)
            (server_folder(folder) / "run/.s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n")
            states = {part.name: part.state for part in stack_status(folder)}
            assert states["server"] == "down"
            assert homes.up(folder).started
            assert stranger.poll() is None
            down(folder)
    finally:
        stranger.kill()
        stranger.wait()
    homes.up(folder)


def test_a_server_without_its_socket_or_frozen_is_replaced(
    homes: Homes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_GRACE", 1.0)
    monkeypatch.setattr(door, "_ANSWER", 2)
    before = postmaster(folder)
    (server_folder(folder) / "run/.s.PGSQL.5432").unlink()
    assert homes.up(folder).started
    assert postmaster(folder).pid != before.pid
    postmaster(folder).send_signal(signal.SIGSTOP)
    states = {part.name: part.state for part in stack_status(folder)}
    assert (states["server"], states["database control"], states["store usa"]) == ("unknown", "unknown", "up")
    assert homes.up(folder).started
    assert servers_in(folder) == [postmaster(folder).pid]


def test_who_waits_too_long_for_another_up_is_told(homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_PATIENCE", 0.1)
    held = homes.folder / "held"
    with sole_worker(held), pytest.raises(StackUnavailable, match="another `genuka up` or `down` has held"):
        homes.up(held)
    homes.up(held, wanted={"usa"})


def test_the_server_does_not_hold_the_lock_of_the_home(homes: Homes, folder: Path) -> None:
    lock = (folder / "stack.lock").stat().st_ino
    for pid in servers_in(folder):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                assert descriptor.stat().st_ino != lock
