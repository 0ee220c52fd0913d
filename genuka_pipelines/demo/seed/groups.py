"""Members by owner: the customers of each company, the variants of each product.

Every reference of the reference Genuka stays inside its tenant; drawn from a table as a whole, one
in a thousand would cross over, and the check for that would be red on a clean seeding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genuka_pipelines.demo.seed.arrays import Ints
from genuka_pipelines.demo.seed.dice import Dice


@dataclass(frozen=True, eq=False)
class Groups:
    """Members numbered from 0, owner by owner; `counts` says how many each owner has."""

    counts: Ints

    @cached_property
    def first(self) -> Ints:
        """The number of each owner's first member."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def owner(self) -> Ints:
        """The owner of each member."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @cached_property
    def rank(self) -> Ints:
        """Each member's place among its owner's, from 0."""
        return np.arange(self.size) - self.first[self.owner]

    @property
    def size(self) -> int:
        """How many members there are."""
        return int(self.counts.sum())

    def pick(self, dice: Dice, owners: Ints, *, skew: float = 1.0) -> Ints:
        """A member of each of these owners; above 1, the skew favours an owner's first members."""
        drawn = dice.unit(len(owners)) ** skew
        return self.first[owners] + (drawn * self.counts[owners]).astype(np.int64)
