"""The companies of a seeding: who they are, how large, on which plan and in which database.

Sizes follow Zipf's law, as real tenants do; with equal sizes no shard would be heavy, no cell small
and no bound on a tenant's contribution would ever bite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genuka_pipelines.demo.seed import countries, limits
from genuka_pipelines.demo.seed.arrays import Array, Bools, Floats, Ints, take
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import Folk, folk
from genuka_pipelines.demo.seed.values import DAY, GENUKA, Recipe, dedicated_refs

PLANS = ("LIGHT", "PRO", "ENTERPRISE")
LIGHT, PRO, ENTERPRISE = range(3)
_ORDERS_A_DAY = 0.75
_BLOCK_ORDERS = 30_000
_BLOCK_COMPANIES = 1_500


@dataclass(frozen=True, eq=False)
class Roster:
    """Every company as a row of small columns: the only thing kept whole during a seeding."""

    ids: Array
    created: Ints
    country: Ints
    weight: Floats
    orders: Ints
    plan: Ints
    dedicated: Ints  # place in the references of dedicated databases, or -1
    opted_in: Bools
    ended: Bools
    owners: Folk

    @property
    def size(self) -> int:
        """How many companies there are."""
        return len(self.created)


@dataclass(frozen=True, eq=False)
class Block:
    """Some companies of one database, made and loaded together."""

    number: int
    database: str
    roster: Roster  # of these companies only
    first: int  # the first one's place among all

    @property
    def size(self) -> int:
        """How many companies the block holds."""
        return self.roster.size


def roster(recipe: Recipe) -> Roster:
    """The companies of a recipe."""
    dice = Dice(recipe.seed, "roster")
    size = recipe.companies
    created = dice.between(recipe.now - limits.COMPANY * DAY, recipe.now - DAY // 4, size)
    # A third joins during the history itself, so that sign-ups can be counted by week.
    recent = dice.chance(size, 0.35)
    opening = max(recipe.opening, recipe.now - limits.COMPANY * DAY)
    created[recent] = dice.between(opening, recipe.now - DAY // 4, int(recent.sum()))

    rank = dice.shuffled(size)
    shares = 1.0 / (rank + 3.0)
    weight: Floats = shares * (size / shares.sum())
    orders = np.floor(weight * recipe.days * _ORDERS_A_DAY + dice.unit(size)).astype(np.int64)

    plan = dice.weighted(size, (0.62, 0.33, 0.05))
    dedicated = np.full(size, -1)
    refs = dedicated_refs(size)
    for place in range(len(refs)):
        dedicated[rank == 2 + 4 * place] = place
    plan[dedicated >= 0] = ENTERPRISE
    created[dedicated >= 0] -= 120 * DAY

    opted_in = dice.chance(size, 0.35)
    opted_in[dedicated >= 0] = dedicated[dedicated >= 0] % 2 == 0
    country = countries.drawn(dice, size)
    return Roster(
        ids=dice.ulids(created),
        created=created,
        country=country,
        weight=weight,
        orders=orders,
        plan=plan,
        dedicated=dedicated,
        opted_in=opted_in,
        ended=dice.chance(size, 0.03) & (dedicated < 0) & (created < recipe.now - 60 * DAY),
        owners=folk(dice.branch("owners"), country, 1),
    )


def blocks(everyone: Roster) -> Iterator[Block]:
    """The companies in blocks: shared ones together, each dedicated one alone."""
    shared = np.flatnonzero(everyone.dedicated < 0)
    refs = dedicated_refs(everyone.size)
    load = np.cumsum(everyone.orders[shared])
    number = np.maximum(load // _BLOCK_ORDERS, np.arange(len(shared)) // _BLOCK_COMPANIES)
    number = np.maximum.accumulate(number)
    groups = [(GENUKA, part) for part in np.split(shared, np.flatnonzero(np.diff(number)) + 1) if len(part)]
    groups += [(ref, np.flatnonzero(everyone.dedicated == place)) for place, ref in enumerate(refs)]
    done = 0
    for count, (database, rows) in enumerate(groups):
        yield Block(count, database, _at(everyone, rows), done)
        done += len(rows)


def _at(everyone: Roster, rows: Ints) -> Roster:
    return Roster(
        ids=take(everyone.ids, rows),
        created=everyone.created[rows],
        country=everyone.country[rows],
        weight=everyone.weight[rows],
        orders=everyone.orders[rows],
        plan=everyone.plan[rows],
        dedicated=everyone.dedicated[rows],
        opted_in=everyone.opted_in[rows],
        ended=everyone.ended[rows],
        owners=everyone.owners.at(rows),
    )
