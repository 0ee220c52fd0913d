"""Rows on their way to a table, a bounded number at a time.

The whole of a large seeding does not fit in memory, and making rows while the server takes the last
ones in halves the wait; both come from passing chunks and not tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from genuka_pipelines.demo.seed.arrays import Array, Ints
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.roster import Block
from genuka_pipelines.demo.seed.values import DAY, Recipe, dedicated_refs

_MEDIA_RANGE = 10_000_000


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of one table of one database; a column that is left out, or None, is null."""

    database: str
    table: str
    rows: int
    columns: Mapping[str, Array | str | int | None]


@dataclass(frozen=True, eq=False)
class Bench:
    """What every maker of rows needs: the recipe, chance, and the numbers given out so far."""

    recipe: Recipe
    _given: Counter[str] = field(default_factory=Counter)

    def dice(self, subject: str, block: Block | None = None) -> Dice:
        """The stream of chance of a subject, in a block where there is one."""
        return Dice(self.recipe.seed, subject, *([] if block is None else [block.number]))

    def past(self, seconds: Ints) -> Ints:
        """The same moments, the last second before `as_of` at the latest."""
        return np.minimum(seconds, self.recipe.now - 1)

    def recent(self, dice: Dice, since: Ints, days: int, *, until: int = 0) -> Ints:
        """A moment a row: after `since`, of the last `days`, and `until` seconds before `as_of` at the latest."""
        now = self.recipe.now
        return dice.between(np.maximum(since, now - days * DAY), now - until, len(since))

    def serials(self, database: str, name: str, length: int) -> Ints:
        """The next numbers of a counting column, from 1, each given out once a database.

        Objects in the media store are found by `media.id`, so dedicated databases count it in
        ranges of their own: two tenants' files must never share a key.
        """
        start = self._given[f"{database}/{name}"]
        self._given[f"{database}/{name}"] += length
        refs = dedicated_refs(self.recipe.companies)
        if name == "media" and database in refs:
            start += _MEDIA_RANGE * (1 + refs.index(database))
        return np.arange(start + 1, start + length + 1)
