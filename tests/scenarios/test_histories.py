"""People register, are erased, come back and are erased again, while databases are restored to any earlier night.

A history is one person's: what it did, what others wrote of it, what the law or a hold keeps, and every backup it is
in. Nobody who was erased may come back, and nobody else may lose a row. `GENUKA_ROUNDS` is the number of histories;
many run in one world, and a world is told by its seed alone.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.histories_world import run, world
from tests.servers import Kind

PEOPLE = 2_000
"""Histories of one world, in a campaign; what it costs to begin one, and to restore, is shared by all of them."""
STEPS = 10
BEGAN = timedelta(days=200)
"""How long ago they begin: what is locked in a store is locked by the real time, and all is over before now."""


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_nobody_who_was_erased_comes_back_and_nobody_else_goes(kind: Kind, rounds: int, seed: int) -> None:
    left = rounds if kind == "postgresql" else min(rounds, PEOPLE)
    steps = STEPS if rounds >= PEOPLE else 4 if kind == "postgresql" else 3
    seen, began, number = Counter[str](), time.monotonic(), 0
    while left > 0:
        people, one = PEOPLE if rounds >= PEOPLE else left, seed + number
        try:
            with world(kind, people, one, datetime.now(UTC).replace(microsecond=0) - BEGAN) as here:
                run(here, steps)
        except BaseException as failure:
            failure.add_note(f"this was world {one}: GENUKA_SEED={one} GENUKA_ROUNDS={people} runs it again")
            raise
        seen += here.seen + Counter({"histories": people})
        left, number = left - people, number + 1
        if rounds > PEOPLE:
            print(f"{seen['histories']} histories in {time.monotonic() - began:.0f} s, worlds {seed} to {one}: "
                  f"{dict(seen)}", flush=True)  # fmt: skip
    assert {"erased", "came back", "restores"} <= seen.keys()
