"""What somebody would do who wants to know whether one unit is in the data: none of it works."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from scipy import stats  # type: ignore[import-untyped]

from genuka_pipelines.analytics.bounding.query import Query, cap
from genuka_pipelines.analytics.bounding.template import Statements
from genuka_pipelines.analytics.errors import BoundaryBroken, NotWhole, UnitOutweighs
from genuka_pipelines.analytics.noise.mechanism import Reach, calibrated, noisy
from genuka_pipelines.analytics.noise.plan import planned
from genuka_pipelines.catalog.published import Spend
from tests.analytics.bounded import BEGINS, ENDS, SHAPES, Stage, facts, measure, query, random_rows
from tests.analytics.mutants import MUTANTS, Mutant, made

Cells = dict[tuple[str, ...], dict[str, int]]
CAUGHT = (UnitOutweighs, NotWhole, BoundaryBroken)
CAMPAIGN, SUITE = 0.01, 1e-6
"""How often a right boundary may be accused: noise has no seed, and a suite that runs all day may not cry wolf."""


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def violation(stage: Stage, asked: Query, dice: random.Random, wrong: Statements | None = None) -> str | None:
    """What goes beyond the declared bounds when one unit of random rows is taken out; None when nothing does."""
    rows = random_rows(dice)
    if stage.cells(rows.filter(pc.field("unit").is_null()), asked, wrong):
        return "rows of nobody count"
    unit = f"unit {dice.randrange(5)}"
    named = rows["unit"].to_pylist()
    without = rows.filter([name != unit for name in named])
    alone = rows.filter([name == unit for name in named])
    both, less, own = (stage.cells(part, asked, wrong) for part in (rows, without, alone))
    changes = _changes(both, less)
    if changes != _changes(own, {}):
        return "what a unit gives depends on others"
    if len(changes) > asked.groups:
        return f"{len(changes)} cells changed"
    return next(
        (f"{name} by {by}" for cell in changes.values() for name, by in cell.items() if beyond(asked, name, by)), None
    )


def _changes(both: Cells, less: Cells) -> Cells:
    found = {}
    for cell in both.keys() | less.keys():
        one, other = both.get(cell, {}), less.get(cell, {})
        changed = {name: one.get(name, 0) - other.get(name, 0) for name in one.keys() | other.keys()}
        if any(changed.values()):
            found[cell] = changed
    return found


def beyond(asked: Query, name: str, by: int) -> bool:
    """Whether one unit changed one figure by more than is declared."""
    measures = list(asked.table.measures.values())
    return abs(by) > (cap(measures[int(name[1:].split("_")[0])]) if name.startswith("m") else 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_taking_a_unit_out_changes_no_more_than_is_declared(stage: Stage, shape: str, rounds: int, seed: int) -> None:
    dice = random.Random(f"{seed}{shape}")
    asked = query(SHAPES[shape])
    for number in range(max(4, rounds // 2)):
        assert violation(stage, asked, dice) is None, number


def caught(stage: Stage, mutant: Mutant, dice: random.Random, tries: int) -> str | None:
    asked = query(SHAPES[mutant.shape])
    wrong = made(asked, mutant)
    for _ in range(tries):
        try:
            found = violation(stage, asked, dice, wrong)
        except CAUGHT as refusal:
            return str(refusal)
        if found:
            return found
    return None


def test_there_are_enough_mutants() -> None:
    assert len(MUTANTS) >= 20


@pytest.mark.parametrize("name", [name for name in MUTANTS if name != "every period of a unit"])
def test_every_way_to_be_wrong_is_caught(stage: Stage, name: str, seed: int) -> None:
    assert caught(stage, MUTANTS[name], random.Random(f"{seed}{name}"), 60), "nobody noticed"


def test_a_unit_that_counts_in_two_periods_is_noticed(stage: Stage, seed: int) -> None:
    dice, later = random.Random(seed), ENDS.replace(month=12)
    periods = [query(SHAPES["once"], BEGINS, ENDS), query(SHAPES["once"], ENDS, later)]
    wrong = [made(each, MUTANTS["every period of a unit"]) for each in periods]
    twice = {True: 0, False: 0}
    for _ in range(20):
        rows = random_rows(dice, units=1)
        for right in twice:
            counted = [
                stage.cells(rows, each, None if right else changed)
                for each, changed in zip(periods, wrong, strict=True)
            ]
            twice[right] += all(counted)
    assert twice[True] == 0
    assert twice[False] > 0


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0])
def test_the_empirical_epsilon_is_the_claimed_one(stage: Stage, epsilon: float, rounds: int, seed: int) -> None:
    """One unit more or less, through the whole boundary: never above the claim, and not far below."""
    table = facts(groups=1, measures={"companies": measure(units="all")}, budget={"epsilon": epsilon})
    outputs = _outputs(stage, table, draws=_draws(rounds, epsilon), seed=seed)
    least = _least_epsilon(*outputs, doubt=_doubt(rounds))
    assert 0.8 * epsilon <= least <= epsilon, least


def test_noise_for_half_of_what_a_unit_gives_is_found_out(stage: Stage, rounds: int, seed: int) -> None:
    table = facts(groups=1, measures={"orders": measure(rows=3)}, budget={"epsilon": 1})
    draws, doubt = _draws(rounds, 1.0), _doubt(rounds)
    assert _least_epsilon(*_outputs(stage, table, draws=draws, seed=seed), doubt=doubt) <= 1
    for reach in (Reach(1, 1), Reach(1, 2)):
        scale = calibrated("laplace", reach, 1.0)
        few, many = (noisy("laplace", scale, np.full(draws, value)) for value in (12, 15))
        assert _least_epsilon(few, many, doubt=doubt) > 1, "too little noise went unnoticed"


def _draws(rounds: int, epsilon: float) -> int:
    """So many that 80 % of a claim lie far outside of what chance does; a smaller ε takes more."""
    return int(2000 * min(200, max(rounds, 25)) / min(1.0, epsilon))


def _doubt(rounds: int) -> float:
    return CAMPAIGN if rounds > 25 else SUITE


def _outputs(stage: Stage, table: Any, *, draws: int, seed: int) -> tuple[Any, Any]:
    """Many releases of the cell that a unit is in, without it and with it."""
    asked, rows = query(table), random_rows(random.Random(seed), rows=60)
    plan = planned(asked, Spend(epsilon=5, delta=1e-7), name="t")
    figure = plan.parts[0].figures[0]
    named = rows["unit"].to_pylist()
    for unit in ("unit 0", "unit 1", "unit 2", "unit 3", "unit 4"):
        pair = [stage.exact(part, asked).figures[figure] for part in (rows.filter([n != unit for n in named]), rows)]
        (changed,) = np.nonzero(pair[1] - pair[0])
        if len(changed) and abs(int((pair[1] - pair[0])[changed[0]])) == plan.parts[0].reach.most:
            scale = plan.mechanisms[figure].scale
            few, many = (noisy(plan.kind, scale, np.full(draws, each[changed[0]])) for each in pair)
            return few, many
    raise AssertionError("no unit gives all it may")


def _least_epsilon(few: Any, many: Any, *, doubt: float) -> float:
    """The best ε that is exceeded but for this doubt, over all thresholds together (Clopper and Pearson)."""
    thresholds = np.unique(np.concatenate([few, many]))
    thresholds = thresholds[:: max(1, len(thresholds) // 40)]
    each = doubt / (4 * len(thresholds))

    def least(hits: int, of: int) -> float:
        return float(stats.beta.ppf(each, hits, of - hits + 1)) if hits else 0.0

    def most(hits: int, of: int) -> float:
        return float(stats.beta.isf(each, hits + 1, of - hits)) if hits < of else 1.0

    best = 0.0
    for threshold in thresholds:
        for one, other in ((many >= threshold, few >= threshold), (few < threshold, many < threshold)):
            above, below = least(int(one.sum()), len(one)), most(int(other.sum()), len(other))
            best = max(best, math.log(above / below) if above > 0 else 0.0)
    return best


def _floats() -> Iterator[tuple[str, Any]]:
    yield "laplace", 1.7
    yield "gaussian", 18.26


@pytest.mark.parametrize(("kind", "scale"), _floats())
def test_no_bit_of_an_output_says_what_was_added_to(kind: Any, scale: float, rounds: int) -> None:
    """The attack that reads the truth off the last bits of a float: every output is a whole number here."""
    draws = 40 * max(rounds, 25)
    none, one = (noisy(kind, scale, np.full(draws, value)) for value in (0, 1))
    assert none.dtype == one.dtype == np.int64
    everywhere = range(-int(scale), int(scale) + 1)
    assert all(value in none and value in one for value in everywhere), "what either may give, the other may"


def test_the_difference_of_two_releases_says_little_of_the_one_who_left(stage: Stage, rounds: int) -> None:
    """Differencing: who has a release with a company and one without it guesses which is which, at most so well."""
    epsilon, draws = 1.0, 200 * max(rounds, 25)
    scale = calibrated("laplace", Reach(1, 1), epsilon)
    without, with_it = noisy("laplace", scale, np.full(draws, 40)), noisy("laplace", scale, np.full(draws, 41))
    right = int((with_it > without).sum()) + int((with_it == without).sum()) // 2
    # Both releases bear noise: a guess from the two is a guess from 2ε.
    bound = math.exp(2 * epsilon) / (1 + math.exp(2 * epsilon))
    assert stats.binomtest(right, draws, bound, alternative="greater").pvalue > _doubt(rounds)
