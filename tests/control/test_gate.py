"""A hold that arrives while rows are being destroyed wins for every row that is not yet gone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from genuka_pipelines.control import Busy, Control, GateBusy, GateLost, RowScope, TenantScope, database, open_control
from genuka_pipelines.keys import Keyring, open_keyring
from tests.control.retention import NEXT, place, stay_in_gate, surviving, sweep, victims
from tests.control.servers import Server, database_of
from tests.control.workers import finish, go, start

EPISODE = 25


@pytest.fixture(scope="module")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "keys"


@pytest.fixture(scope="module")
def keys(keys_folder: Path) -> Keyring:
    return open_keyring(keys_folder, create=True)


@contextmanager
def impatient(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    """A control database whose sessions wait a second at most for a lock, not sixty."""
    with monkeypatch.context() as patch:
        for dialect, session in database._SESSION.items():
            patch.setitem(database._SESSION, dialect, session.replace("'60s'", "'100ms'").replace("= 60", "= 1"))
        with open_control(url) as control:
            yield control


def test_a_hold_waits_for_the_batch_under_way_and_the_next_one_sees_it(
    control: Control, url: str, keys: Keyring
) -> None:
    worker = start(stay_in_gate, url)
    go(worker)
    assert worker.heard() == []
    added: list[str] = []
    adding = threading.Thread(target=lambda: added.append(place(control, keys, TenantScope("t1")).id))
    adding.start()
    adding.join(0.3)
    assert (adding.is_alive(), added) == (True, [])
    # Those that come after it wait for it, however many there are.
    assert not worker.pipe.poll()
    worker.pipe.send("leave")
    assert worker.heard() == [hold.id for hold in control.holds.all()]
    adding.join(5)
    assert len(added) == 1
    released = threading.Thread(target=lambda: control.holds.release(added[0], by="s", now=datetime.now(UTC)))
    released.start()
    released.join(0.2)
    assert released.is_alive(), "lifting a hold waits too"
    worker.pipe.send("leave")
    released.join(5)
    assert control.holds.live(datetime.now(UTC)) == ()
    finish(worker)


def test_batches_do_not_wait_for_each_other(control: Control, url: str, now: datetime) -> None:
    worker = start(stay_in_gate, url)
    go(worker)
    worker.heard()
    began = time.monotonic()
    with control.holds.gate(now), control.holds.gate(now) as live:
        live.check()
    assert time.monotonic() - began < 5
    worker.kill()


def test_a_killed_batch_leaves_the_gate_open(control: Control, url: str, keys: Keyring) -> None:
    worker = start(stay_in_gate, url)
    go(worker)
    worker.heard()
    adding = threading.Thread(target=place, args=(control, keys, TenantScope("t1")))
    adding.start()
    adding.join(0.1)
    assert adding.is_alive()
    worker.kill()
    adding.join(10)
    assert not adding.is_alive()
    assert len(control.holds.all()) == 1


def test_whoever_waits_is_told_in_time_and_changes_nothing(
    control: Control, url: str, keys: Keyring, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enter(hasty: Control) -> None:
        with hasty.holds.gate(now):
            pytest.fail("entered while a hold was being placed")

    with impatient(url, monkeypatch) as hasty:
        with control.holds.gate(now), pytest.raises(GateBusy, match="nothing was changed: try again") as busy:
            place(hasty, keys, TenantScope("t1"))
        assert isinstance(busy.value, Busy)
        assert control.holds.all() == ()
        assert control.ledger.head().seq == 0
        with control.holds._alone(), pytest.raises(GateBusy):
            enter(hasty)


def test_a_busy_sweep_does_not_starve_a_hold(control: Control, keys: Keyring) -> None:
    stop = threading.Event()
    entered: list[int] = []

    def destroy() -> None:
        while not stop.is_set():
            with control.holds.gate(datetime.now(UTC)) as live:
                time.sleep(0.1)
                entered.append(len(live))

    sweeps = [threading.Thread(target=destroy) for _ in range(6)]
    for thread in sweeps:
        thread.start()
    try:
        for wanted in range(1, 4):
            began = time.monotonic()
            place(control, keys, TenantScope(f"t{wanted}"))
            assert time.monotonic() - began < 3
    finally:
        stop.set()
        for thread in sweeps:
            thread.join()
    # Once it was placed, every batch saw it.
    assert entered == sorted(entered)


def test_several_people_place_holds_at_once(control: Control, keys: Keyring) -> None:
    threads = [
        threading.Thread(target=place, args=(control, keys, RowScope("orders", (str(number),)))) for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(control.holds.live(datetime.now(UTC))) == control.ledger.head().seq == 6
    assert control.ledger.verify().intact


def test_the_works_own_error_comes_through_and_opens_the_gate(control: Control, keys: Keyring, now: datetime) -> None:
    for error in (KeyError("the work's own"), OperationalError("the work's own", None, Exception())):
        with pytest.raises(type(error), match="own"), control.holds.gate(now):
            raise error
    place(control, keys, TenantScope("t1"))


def test_a_lost_gate_is_noticed_before_the_commit_and_at_the_end(
    server: Server, control: Control, url: str, now: datetime
) -> None:
    number, kill = (
        ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})")
        if server.dialect == "postgresql"
        else ("SELECT connection_id()", "KILL {}")
    )

    def lose(*, checking: bool) -> None:
        with control.holds.gate(now) as live:
            backend = live._connection.exec_driver_sql(number).scalar()
            server.run(database_of(url), kill.format(backend))
            if checking:
                live.check()
                pytest.fail("the batch would have been committed")

    for checking in (True, False):
        with pytest.raises(GateLost, match="run it again") as lost:
            lose(checking=checking)
        assert lost.value.__suppress_context__
    with control.holds.gate(now) as live:
        live.check()


def test_an_emptied_gate_is_made_again(server: Server, control: Control, url: str, keys: Keyring) -> None:
    server.run(database_of(url), "DELETE FROM holds_gate")
    test_a_hold_waits_for_the_batch_under_way_and_the_next_one_sees_it(control, url, keys)


def test_no_held_row_is_lost_whatever_the_schedule(
    server: Server, control: Control, url: str, keys: Keyring, keys_folder: Path, rounds: int, seed: int
) -> None:
    """Two processes: one destroys, one places holds at random moments on random rows, and lifts half of them."""
    target, spared = server.empty(), 0
    for episode in range(max(1, rounds // EPISODE)):
        moments = random.Random(seed + episode)
        rows = ", ".join(f"({number})" for number in range(EPISODE * 20))
        server.run(
            database_of(target),
            "DROP TABLE IF EXISTS victims",
            "CREATE TABLE victims (id INTEGER PRIMARY KEY)",
            f"INSERT INTO victims VALUES {rows}",
        )
        server.emptied()
        worker = start(sweep, url, target, keys_folder, seed)
        go(worker)
        with victims(target) as engine:
            held, kept = _place_and_lift(control, keys, engine, moments)
            spared += kept
            worker.pipe.send("last")
            finish(worker)
            assert surviving(engine) >= held
            # The rest went, lifted or never held; a row that was gone before its hold is not there either.
            assert len(surviving(engine)) <= len(control.holds.live(datetime.now(UTC)))
    assert spared >= max(EPISODE, rounds) // 10, "the sweep was so fast that little was tried"


def _place_and_lift(control: Control, keys: Keyring, engine: Engine, moments: random.Random) -> tuple[set[str], int]:
    """The rows that were there once their hold was placed; those held to the end, and how many there were."""
    held: dict[str, str] = {}
    spared = 0
    for _ in range(EPISODE):
        time.sleep(moments.uniform(0, 0.006))
        row = moments.choice(sorted(surviving(engine) - held.keys(), key=int)[:NEXT])
        hold = place(control, keys, RowScope("victims", (row,))).id
        if row in surviving(engine):
            held[row] = hold
            spared += 1
        if held and moments.random() < 0.5:
            lifted, its = moments.choice(sorted(held.items()))
            assert lifted in surviving(engine)
            control.holds.release(its, by="staff:4", now=datetime.now(UTC))
            del held[lifted]
    return set(held), spared
