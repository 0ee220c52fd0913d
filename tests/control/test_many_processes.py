from __future__ import annotations

import random
import time
from collections import Counter

from genuka_pipelines.control import Check, Control, Done, Planned
from tests.control.workers import append, finish, go, start

EACH = 24


def test_many_processes_append_without_a_gap(control: Control, url: str) -> None:
    workers = [start(append, url, EACH) for _ in range(3)]
    go(*workers)
    while any(worker.process.is_alive() for worker in workers):
        assert control.ledger.verify().intact, "a reader sees one moment, also while others write"
    finish(*workers)
    shapes = Counter(type(entry.body) for entry in control.ledger.entries())
    assert shapes == {Check: 3 * EACH * 4 // 3, Planned: EACH, Done: EACH}
    assert [entry.seq for entry in control.ledger.entries()] == list(range(1, 6 * EACH + 1))
    assert control.ledger.verify().intact
    assert control.ledger.open_intents() == ()


def test_a_process_killed_at_any_moment_leaves_an_intact_ledger(control: Control, url: str, seed: int) -> None:
    moments = random.Random(seed)
    workers = [start(append, url, 100_000) for _ in range(3)]
    go(*workers)
    for worker in workers:
        time.sleep(moments.uniform(0.01, 0.15))
        worker.kill()
    before = control.ledger.head().seq
    assert before > 0
    assert control.ledger.verify().intact
    # At most one intention stays open for each that was killed, and the others can go on.
    assert len(control.ledger.open_intents()) <= 3
    survivor = start(append, url, 3)
    go(survivor)
    finish(survivor)
    assert control.ledger.head().seq == before + 6
    assert control.ledger.verify().intact
