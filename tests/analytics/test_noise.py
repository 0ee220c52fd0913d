"""Noise costs what it says, error bars hold what they say, and the kind is the one that errs less."""

from __future__ import annotations

import random
from math import exp
from typing import Any

import numpy as np
import opendp.prelude as dp
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from genuka_pipelines.analytics.bounding.aggregates import Aggregates
from genuka_pipelines.analytics.bounding.query import Query
from genuka_pipelines.analytics.errors import BudgetTooSmall
from genuka_pipelines.analytics.noise import mechanism
from genuka_pipelines.analytics.noise.accounting import Cost, Total, epsilon_at, pld_epsilon, total
from genuka_pipelines.analytics.noise.cells import released
from genuka_pipelines.analytics.noise.distribution import coverage, deviation, half_width
from genuka_pipelines.analytics.noise.mechanism import Reach, calibrated, noisy, selected, thresholded
from genuka_pipelines.analytics.noise.plan import planned
from genuka_pipelines.analytics.releases.release import Certificate, Kind, told
from genuka_pipelines.catalog.composition import epsilon_of, rho_within
from genuka_pipelines.catalog.published import AnonymisedTable, Spend
from tests.analytics.bounded import PRIVACY, SHAPES, WORDS, facts, measure, query

YEAR = Spend(epsilon=5, delta=1e-7)
PROOF = Certificate(groups=1, amounts={}, proven=True)
KINDS: list[Kind] = ["laplace", "gaussian"]


@given(st.sampled_from(KINDS), st.floats(0.3, 300), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_a_width_is_the_least_that_holds_its_share(kind: Kind, scale: float, level: float) -> None:
    far = int(40 * scale) + 10
    if kind == "laplace":
        mass = [exp(-abs(r) / scale) for r in range(-far, far + 1)]
    else:
        mass = [exp(-r * r / (2 * scale * scale)) for r in range(-far, far + 1)]
    share = np.cumsum([mass[far], *(2 * mass[far + r] for r in range(1, far + 1))]) / sum(mass)
    width = half_width(kind, scale, level)
    assert share[width] >= level - 1e-9
    assert width == 0 or share[width - 1] < level + 1e-9
    assert coverage(kind, scale, width) == pytest.approx(share[width], abs=1e-9)


def test_widths_of_large_scales_are_those_of_their_cousins() -> None:
    assert half_width("gaussian", 1999.0) == pytest.approx(half_width("gaussian", 2001.0), abs=6)
    assert half_width("laplace", 10.0) == 30
    assert (half_width("laplace", 0), half_width("gaussian", 0)) == (0, 0)
    assert deviation("laplace", 100.0) == pytest.approx(141.42, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "reach", "cost"),
    [("laplace", Reach(10, 1), 1.0), ("laplace", Reach(3, 500), 0.25), ("gaussian", Reach(10, 1), 0.015),
     ("gaussian", Reach(7, 10**6), 0.002)],
)  # fmt: skip
def test_scales_are_the_least_that_cost_no_more(kind: Kind, reach: Reach, cost: float) -> None:
    scale = calibrated(kind, reach, cost)
    spent = mechanism._adding(kind, scale).map(reach.of(kind))
    assert cost * (1 - 1e-9) <= spent <= cost
    if reach == Reach(10, 1) and kind == "gaussian":
        assert scale == pytest.approx(18.26, abs=0.01)


def test_a_threshold_lets_a_lone_unit_through_as_rarely_as_declared(rounds: int) -> None:
    threshold = thresholded("gaussian", 10, 18.26, 1e-9)
    assert threshold == 118
    assert mechanism._slip("gaussian", 10, 18.26, threshold) <= 1e-9 < mechanism._slip("gaussian", 10, 18.26, 117)
    likely = thresholded("laplace", 1, 2.0, 0.05)
    alone = np.ones(100 * max(rounds, 25), dtype=np.int64)
    through = len(selected("laplace", 2.0, likely, alone))
    assert stats.binomtest(through, len(alone), 0.05, alternative="greater").pvalue > 1e-6


def test_chunks_keep_every_value_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mechanism, "CHUNK", 7)
    values = np.arange(50, dtype=np.int64) * 10**6
    assert (np.round(noisy("laplace", 2.0, values) / 10**6) == np.arange(50)).all()
    assert selected("gaussian", 1.0, 10, np.array([1, 900] * 12)).tolist() == list(range(1, 24, 2))
    assert len(noisy("gaussian", 1.0, np.zeros(0, dtype=np.int64))) == 0
    assert len(selected("gaussian", 1.0, 10, np.zeros(0, dtype=np.int64))) == 0


@given(st.floats(1e-6, 20), st.sampled_from([1e-5, 1e-7, 1e-9]))
def test_rho_in_epsilon_is_no_worse_than_opendp_says(rho: float, delta: float) -> None:
    domain = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    scale = (2 * rho) ** -0.5
    made: Any = dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*domain, scale=scale))
    theirs = made.map(1.0).epsilon(delta)
    assert epsilon_of(rho, delta) == pytest.approx(theirs, rel=0.01)
    assert rho_within(epsilon_of(rho, delta), delta) == pytest.approx(rho, rel=1e-6)


def test_what_costs_nothing_and_what_has_no_delta() -> None:
    assert epsilon_of(0, 0) == 0
    assert epsilon_of(1, 0) == float("inf")
    assert rho_within(1, 0) == 0
    assert epsilon_at(total([Cost(0.5, 1.0, 0)] * 3), 0) == 3
    assert epsilon_at(total([Cost(0.5, 1.0, 1e-6)]), 1e-7) == float("inf")


def test_privacy_loss_distributions_are_tighter_and_never_free() -> None:
    year = total([Cost(0.0004, None, 1e-10)] * 366)
    exact = pld_epsilon(year, 1e-7)
    assert exact is not None
    assert 0.5 * epsilon_at(year, 1e-7) < exact < epsilon_at(year, 1e-7)
    assert pld_epsilon(total([Cost(0.5, 1.0, 0)] * 2), 1e-7) == pytest.approx(2, abs=0.05)
    assert pld_epsilon(Total(), 1e-7) is None


@pytest.mark.parametrize(
    ("every", "groups", "epsilon", "kind"),
    [("month", 1, 0.4, "laplace"), ("quarter", 1, 0.5, "laplace"), ("week", 1, 0.1, "gaussian"),
     ("day", 10, 0.27, "gaussian"), ("month", 30, 0.4, "gaussian")],
)  # fmt: skip
def test_the_kind_is_the_one_that_errs_less_for_the_same_year(
    every: str, groups: int, epsilon: float, kind: str
) -> None:
    keys = {"country": {"title": WORDS, "keys": [str(n) for n in range(40)]}}
    table = facts(
        dimensions=keys,
        groups=groups,
        period={"every": every, "of": "day"},
        measures={"companies": measure(units="all")},
        budget={"epsilon": epsilon, "delta": 1e-9},
    )
    assert planned(query(table), YEAR, name="t").kind == kind


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("delta", [0.0, 1e-9])
def test_all_parts_together_cost_the_budget_and_no_more(shape: str, delta: float) -> None:
    table = SHAPES[shape].model_copy(update={"budget": Spend(epsilon=0.7, delta=delta)})
    asked = query(table)
    if asked.private and not delta:
        with pytest.raises(BudgetTooSmall, match="give it a delta"):
            planned(asked, YEAR, name="t")
        return
    plan = planned(asked, YEAR, name="t")
    used = [*plan.mechanisms.values(), *([plan.selection] if plan.selection else [])]
    if plan.kind == "laplace":
        assert sum(each.epsilon or 0 for each in used) == pytest.approx(0.7)
        assert plan.cost.pure == pytest.approx(0.7)
    else:
        assert epsilon_of(sum(each.rho or 0 for each in used), delta - plan.cost.delta) <= 0.7
    assert plan.cost.delta <= delta
    assert plan.spend.epsilon <= 0.7
    assert {*plan.named} >= {name for name, each in table.measures.items() if each.kind != "mean"}


def simulated(table: AnonymisedTable, figures: dict[str, Any], cells: int) -> tuple[Query, pa.Table]:
    """One release whose exact figures are these: as many intervals as cells."""
    asked = query(table)
    labels = tuple([["x"] * cells] * len(asked.keys))
    exact = Aggregates(labels, {name: np.asarray(value, dtype=np.int64) for name, value in figures.items()}, PROOF)
    return asked, released(exact, asked, planned(asked, YEAR, name="t"))


def held(cells: pa.Table, measure_: str, truth: Any) -> float:
    rows = cells.filter(pa.compute.equal(cells["measure"], measure_))
    low, high = rows["ci95_low"].to_numpy(), rows["ci95_high"].to_numpy()
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("delta", [0.0, 1e-9])
def test_95_percent_of_intervals_hold_the_truth(delta: float, rounds: int, seed: int) -> None:
    cells = 400 * max(rounds, 25)
    table = facts(
        groups=2,
        minimum=0,
        measures={
            "companies": measure(units="all"),
            "amount": measure(sum="amount", between=[0, 500]),
            "typical": measure(mean="wait", between=[0, 60]),
        },
        budget={"epsilon": 0.3, "delta": delta},
    )
    dice = np.random.default_rng(seed)
    units = dice.integers(0, 4000, cells)
    amounts, waits = dice.integers(0, 10**6, cells), (units * 20.5).astype(np.int64)
    figures = {"units": units, "m0": units, "m1": amounts, "m2": waits, "u2": units}
    _, made = simulated(table, figures, cells)
    slack = 0.01 if cells < 50_000 else 0.005
    assert 0.95 - slack <= held(made, "companies", units) <= 0.95 + slack
    assert 0.95 - slack <= held(made, "amount", amounts) <= 0.95 + slack
    many = units > 100
    assert 0.95 - slack <= held(made, "typical_units", units) <= 0.95 + slack
    rows = made.filter(pa.compute.equal(made["measure"], "typical"))
    truth = np.where(units > 0, waits / np.maximum(units, 1), 20.0)
    low, high = rows["ci95_low"].to_numpy(), rows["ci95_high"].to_numpy()
    inside = (low <= truth + 1e-6) & (truth - 1e-6 <= high)
    assert 0.945 - slack <= inside[many].mean() <= 0.965 + slack
    assert inside.mean() >= 0.945 - slack


@pytest.mark.parametrize("delta", [0.0, 1e-9])
def test_intervals_of_quantiles_hold_at_least_their_share(delta: float, rounds: int, seed: int) -> None:
    cells = 100 * max(rounds, 25)
    table = facts(
        minimum=0,
        measures={"wait": measure(quantiles="wait", at=[0.5, 0.9], edges=[0, 5, 10, 30, 60])},
        budget={"epsilon": 0.5, "delta": delta},
    )
    dice = np.random.default_rng(seed)
    counts = dice.integers(0, 400, (cells, 4))
    figures = {"units": counts.sum(axis=1), **{f"m0_{n}": counts[:, n] for n in range(4)}}
    _, made = simulated(table, figures, cells)
    edges = np.array([0, 5, 10, 30, 60])
    for share, name in ((0.5, "wait_p50"), (0.9, "wait_p90")):
        rows = made.filter(pa.compute.equal(made["measure"], name))
        up_to = counts.cumsum(axis=1)
        place = (up_to >= share * up_to[:, -1:]).argmax(axis=1)
        # A cell whose noisy units are below zero is not told, whatever the minimum.
        shown = rows["status"].to_numpy(zero_copy_only=False) == "released"
        low, value, high = (rows[each].to_numpy()[shown] for each in ("ci95_low", "value", "ci95_high"))
        inside = (low <= edges[place[shown]]) & (edges[place[shown] + 1] <= high)
        assert shown.mean() > 0.99
        assert inside.mean() >= 0.94
        assert ((low <= value) & (value <= high)).all()
        assert (high - low).mean() < 40, "an interval says something"


def test_cells_below_the_minimum_are_not_told() -> None:
    table = facts(minimum=1000, budget={"epsilon": 20})
    figures = {"units": [5, 10**6, 0, 10**6], "m0": [5, 10**6, 0, 10**6], "m1": [5, 10**6, 0, 10**6]}
    _, made = simulated(table, figures, 4)
    hidden = made.filter(pa.compute.equal(made["status"], "below_threshold"))
    assert hidden.num_rows == 4
    for column in ("value", "ci95_low", "ci95_high"):
        assert hidden[column].null_count == 4
        assert made[column].null_count == 4
    assert made.schema.names == ["country", "measure", "value", "ci95_low", "ci95_high", "noise_scale", "status"]
    assert made["measure"].to_pylist()[:2] == list(told(table))


def test_private_keys_of_few_units_are_not_told_at_all() -> None:
    asked = query(SHAPES["private"])
    figures = {name: np.array([1, 10**4, 2, 10**5]) for name in ("units", "m0", "m1")}
    exact = Aggregates((["a", "b", "c", "d"],), figures, PROOF)
    made = released(exact, asked, planned(asked, YEAR, name="t"))
    assert made["country"].to_pylist() == ["b", "b", "d", "d"]
    none = Aggregates(([],), {name: np.zeros(0, dtype=np.int64) for name in figures}, PROOF)
    assert released(none, asked, planned(asked, YEAR, name="t")).num_rows == 0


def test_where_nothing_counts_units_they_are_counted_unseen_for_the_minimum() -> None:
    table = facts(measures={"amount": measure(sum="amount", between=[0, 9])})
    plan = planned(query(table), YEAR, name="t")
    assert plan.judge == ("units",)
    assert set(plan.named) == {"amount", "units"}
    assert told(table) == ("amount",)
    shown = facts(minimum=0, measures={"amount": measure(sum="amount", between=[0, 9])})
    assert not planned(query(shown), YEAR, name="t").judge


def test_a_million_found_groups_are_drawn_in_chunks(rounds: int) -> None:
    """The full million where the campaign asks for it."""
    groups = 1_000_000 if rounds >= 1000 else 20_000
    units = np.array([random.Random(n).choice([1, 1, 1, 400]) for n in range(groups)])
    found = selected("gaussian", 18.26, 118, units)
    assert set(found.tolist()) == set(np.nonzero(units == 400)[0].tolist())
    assert PRIVACY.units["company"].year == YEAR
