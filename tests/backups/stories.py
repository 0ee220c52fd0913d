"""Seeded stories: one schedule of faults and deaths for each seed, and how a failing one is run again.

What a story does depends on its seed alone, so the seed that a failure prints is all that is needed to see it again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import ROUNDS, SEED

CAMPAIGN = 100
"""From so many rounds on it is a campaign: with 1,000, ten thousand schedules over all stories together."""


class Dice(random.Random):
    """Random numbers, and seeds for others."""

    def seed_of_its_own(self) -> int:
        return self.randrange(2**32)

    def happens(self, share: float) -> bool:
        return self.random() < share


def cheap() -> range:
    """The seeds of a story that needs no database of its own: about a tenth of a second each."""
    return _seeds(ROUNDS * 3 // 2 if ROUNDS >= CAMPAIGN else (ROUNDS + 1) // 2)


def dear() -> range:
    """The seeds of a story that captures or restores a real database: about a second each."""
    return _seeds(ROUNDS // 3)


def _seeds(count: int) -> range:
    return range(SEED, SEED + max(1, count))


@contextmanager
def told(seed: int) -> Iterator[Dice]:
    """The dice of a seed; a failure says which it was."""
    try:
        yield Dice(seed)
    except BaseException as failure:
        failure.add_note(f"this was seed {seed}: GENUKA_SEED={seed} GENUKA_ROUNDS=1 runs it again")
        raise
