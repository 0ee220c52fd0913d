from __future__ import annotations

import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.control import Busy, Control, LeaseLost
from tests.control.servers import Server, database_of
from tests.control.workers import finish, go, hold, race, start

SHORT = timedelta(milliseconds=300)
LONG = timedelta(seconds=30)


def test_one_holder_at_a_time_and_the_other_is_told(control: Control) -> None:
    with control.leases.hold("retention_sweep", "07", "run:one", LONG) as lease:
        with pytest.raises(Busy) as busy:
            control.leases.take("retention_sweep", "07", "run:two", LONG)
        assert "retention_sweep on shard 07 is already running since 20" in str(busy.value)
        assert "run:one" not in str(busy.value)
        assert abs(busy.value.until - busy.value.since - LONG) < timedelta(milliseconds=100)
        with control.leases.hold("retention_sweep", "08", "run:two", LONG):
            lease.check()
        with control.leases.hold("inspect", "07", "run:two", LONG):
            lease.check()


def test_the_token_only_grows(control: Control) -> None:
    tokens = []
    for owner in ("a", "b", "a"):
        with control.leases.hold("sweep", "00", owner, LONG) as lease:
            tokens.append(lease.token)
    assert tokens == [1, 2, 3]


def test_an_expired_lease_goes_to_the_next_and_the_first_is_told_before_it_writes(control: Control) -> None:
    first = control.leases.take("sweep", "00", "a", SHORT)
    first.check()
    time.sleep(0.35)
    with pytest.raises(LeaseLost, match="sweep on shard 00"):
        first.check()
    with pytest.raises(LeaseLost):
        first.renew()
    second = control.leases.take("sweep", "00", "a", LONG)
    assert second.token == first.token + 1
    with pytest.raises(LeaseLost):
        first.renew()
    first.release()
    second.renew()
    with pytest.raises(Busy):
        control.leases.take("sweep", "00", "c", LONG)


def test_a_lease_that_was_taken_away_is_noticed(server: Server, control: Control, url: str) -> None:
    lease = control.leases.take("sweep", "00", "a", LONG)
    server.run(database_of(url), "UPDATE leases SET token = token + 1")
    with pytest.raises(LeaseLost):
        lease.renew()
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_loss_during_the_last_write_is_noticed_at_the_end(control: Control) -> None:
    def work() -> None:
        with control.leases.hold("sweep", "00", "a", SHORT, renewing=False):
            time.sleep(0.35)

    with pytest.raises(LeaseLost):
        work()


def test_the_works_own_error_comes_through_and_frees_the_lease(control: Control) -> None:
    def work() -> None:
        with control.leases.hold("sweep", "00", "a", LONG):
            raise KeyError("the work's own")

    with pytest.raises(KeyError, match="own"):
        work()
    control.leases.take("sweep", "00", "b", LONG)


@pytest.mark.parametrize(
    ("capability", "shard", "owner", "ttl"),
    [("a b", "00", "x", LONG), ("a", "é", "x", LONG), ("A", "00", "x", LONG),
     ("a", "00", "Jean Dupont", LONG), ("a", "00", "j@x.org", LONG), ("a", "00", "x", timedelta(0))],
)  # fmt: skip
def test_names_are_opaque_and_a_ttl_is_real(
    capability: str, shard: str, owner: str, ttl: timedelta, control: Control
) -> None:
    with pytest.raises(ValueError, match=r"lease|names"):
        control.leases.take(capability, shard, owner, ttl)


def test_processes_that_race_never_hold_it_together(control: Control, url: str, tmp_path: Path) -> None:
    tally = tmp_path / "tally"
    tally.write_text("0")
    workers = [start(race, url, f"run:{n}", 10, tally) for n in range(3)]
    go(*workers)
    tokens = [token for worker in workers for token in worker.heard()]
    finish(*workers)
    assert sorted(tokens) == list(range(1, 31))
    assert tally.read_text() == "30"


def test_a_living_process_keeps_its_lease_and_a_killed_one_loses_it(control: Control, url: str) -> None:
    holder = start(hold, url, "run:dead", timedelta(seconds=0.8))
    go(holder)
    assert holder.heard() == "holding"
    # Longer than its ttl: it renews in the background.
    time.sleep(1.0)
    with pytest.raises(Busy):
        control.leases.take("sweep", "07", "run:new", LONG)
    holder.kill()
    killed = time.monotonic()
    with pytest.raises(Busy):
        control.leases.take("sweep", "07", "run:new", LONG)
    while True:
        try:
            lease = control.leases.take("sweep", "07", "run:new", LONG)
        except Busy:
            time.sleep(0.02)
        else:
            break
    assert time.monotonic() - killed < 5
    assert lease.token == 2


def test_a_frozen_process_notices_when_it_wakes(control: Control, url: str) -> None:
    holder = start(hold, url, "run:frozen", SHORT)
    go(holder)
    assert holder.heard() == "holding"
    holder.signal(signal.SIGSTOP)
    time.sleep(0.4)
    control.leases.take("sweep", "07", "run:new", LONG)
    holder.signal(signal.SIGCONT)
    assert holder.heard() == "lost"
    finish(holder)
