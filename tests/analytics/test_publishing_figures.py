"""Figures fit for a chart, gaps, corrections: what publication computes without touching a store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.analytics.errors import NoSuchPeriod
from genuka_pipelines.analytics.publishing.columns import cells_columns, check_names, wide_columns
from genuka_pipelines.analytics.publishing.completeness import due, missing
from genuka_pipelines.analytics.publishing.errata import Erratum, errata_in, note, record, withdrawn
from genuka_pipelines.analytics.publishing.errors import CannotPublish, CatalogueUnreadable
from genuka_pipelines.analytics.publishing.figures import figures, quantile_groups
from genuka_pipelines.analytics.publishing.wide import consistent
from genuka_pipelines.analytics.releases.release import told
from genuka_pipelines.stores.open import open_store
from tests.analytics.by_hand import NOW, visits, words

EVERY_KIND = visits(
    measures={
        "people": {"title": words("People"), "kind": "units"},
        "visits": {"title": words("Visits"), "rows": 5},
        "paid": {"title": words("Paid"), "sum": "amount", "between": [0, 1000]},
        "gained": {"title": words("Gained"), "sum": "gain", "between": [-50, 100]},
        "age": {"title": words("Age"), "mean": "age", "between": [15, 99]},
        "wait": {"title": words("Wait"), "quantiles": "wait", "at": [0.9, 0.5, 0.999], "edges": [0, 10, 60]},
    }
)
noisy = st.floats(-1e6, 1e6, allow_nan=False) | st.none()


@st.composite
def cells(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, list[float | None]] = {}
    rows = draw(st.integers(1, 4))
    for name in figures(EVERY_KIND):
        values = [draw(noisy) for _ in range(rows)]
        spread = draw(st.floats(0, 1e3))
        made[name] = values
        made[f"{name}_low"] = [None if value is None else value - spread for value in values]
        made[f"{name}_high"] = [None if value is None else value + spread for value in values]
    return {name: np.array(values, dtype=float) for name, values in made.items()}


@given(cells())
def test_what_is_shown_could_be_true(found: dict[str, Any]) -> None:
    rows = len(next(iter(found.values())))
    made = consistent(found, figures(EVERY_KIND), quantile_groups(EVERY_KIND), np.ones(rows, bool))
    for row in range(rows):
        cell = {name: values[row] for name, values in made.items()}
        for name, figure in figures(EVERY_KIND).items():
            value, low, high = (cell[f"{name}{end}"] for end in ("", "_low", "_high"))
            assert np.isnan(value) == np.isnan(found[name][row])
            if np.isnan(value):
                continue
            assert figure.least <= low <= value <= high
            assert value <= figure.most
            if figure.whole:
                assert [value, low, high] == [int(value), int(low), int(high)]
            units = cell[figure.units] if figure.units else np.nan
            if figure.per_unit and not np.isnan(units):
                assert figure.per_unit[0] * units <= value <= figure.per_unit[1] * units
        waits = [cell[name] for name in ("wait_p50", "wait_p90", "wait_p99_9") if not np.isnan(cell[name])]
        assert waits == sorted(waits)


def test_what_is_possible_is_not_touched() -> None:
    found = {"people": 20.0, "visits": 60.0, "paid": 500.0, "gained": -80.0, "age": 40.5, "age_sum": 800.0,
             "age_units": 20.0, "wait_p90": 30.0, "wait_p50": 12.5, "wait_p99_9": 59.0}  # fmt: skip
    arrays = {f"{name}{end}": np.array([value + add]) for name, value in found.items()
              for end, add in (("", 0), ("_low", -2), ("_high", 2))}  # fmt: skip
    # The age's interval stays within what an age can be, the wait's within its edges.
    made = consistent(arrays, figures(EVERY_KIND), quantile_groups(EVERY_KIND), np.array([True]))
    assert {name: float(made[name][0]) for name in found} == found
    assert (made["wait_p99_9_high"][0], made["visits_low"][0]) == (60.0, 58.0)


def test_bounds_of_today_do_not_judge_an_earlier_definition() -> None:
    arrays = {f"{name}{end}": np.array([9999.0]) for name in figures(EVERY_KIND) for end in ("", "_low", "_high")}
    arrays["people"] = np.array([1.0])
    made = consistent(arrays, figures(EVERY_KIND), quantile_groups(EVERY_KIND), np.array([False]))
    assert {made[name][0] for name in figures(EVERY_KIND) if name != "people"} == {9999.0}


def test_figures_are_those_that_releases_tell() -> None:
    assert tuple(figures(EVERY_KIND)) == told(EVERY_KIND)
    assert figures(EVERY_KIND)["wait_p99_9"].title.fr == "Wait (fr) (centile 99,9)"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"measures": {"Browser": {"title": words("B"), "kind": "units"}}}, "two columns 'Browser'"),
        ({"measures": {"x" * 60: {"title": words("N"), "kind": "units"}}}, "more than 63 letters"),
        (
            {"measures": {"a": {"title": words("A"), "mean": "b", "between": [0, 1]},
                          "a_sum": {"title": words("A"), "sum": "b", "between": [0, 1]}}},
            "two columns 'a_sum'",
        ),
    ],
)  # fmt: skip
def test_two_columns_never_bear_one_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotPublish, match=says):
        check_names({"visits": visits(**changes)})


def test_two_tables_never_bear_one_name() -> None:
    for names in (["tables"], ["errata"], ["visits", "visits_cells"]):
        with pytest.raises(CannotPublish, match="hide another table"):
            check_names(dict.fromkeys(names, visits()))
    check_names({"visits_cells": visits(), "visits_daily": visits()})


def test_every_column_says_what_it_is_in_both_languages() -> None:
    for column in (*wide_columns(EVERY_KIND), *cells_columns(EVERY_KIND)):
        assert min(column.says.fr, column.says.en)


def test_gaps_are_found_by_the_calendar() -> None:
    table = visits(settles=2)
    # On the 22nd at four in the morning, the 19th is the newest day that ended two days ago.
    assert due(table, (), NOW) == ("2026-11-19",)
    assert missing(table, {"2026-11-15", "2026-11-17", "2026-11-19"}, NOW) == ("2026-11-16", "2026-11-18")
    assert missing(table, {"2026-11-19"}, NOW) == ()
    assert missing(table, {"2026-11-21"}, NOW) == ()  # as a clock ahead of ours made it
    weekly = visits(period={"every": "week", "of": "day"}, settles=0)
    january = datetime(2027, 1, 12, tzinfo=UTC)
    assert missing(weekly, {"2026-W52"}, january) == ("2026-W53", "2027-W01")


def test_corrections_are_kept_and_found(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri(), name="published", create=True)
    table = visits()
    wrong = Erratum.model_validate(
        {"table": "visits", "first": "2026-11-03", "last": "2026-11-05", "says": words("Bots counted"),
         "recorded": date(2026, 11, 20)}
    )  # fmt: skip
    assert errata_in(store) == ()
    assert record(store, table, wrong) == record(store, table, wrong)
    record(store, table, wrong.model_copy(update={"first": "2026-11-05", "withdrawn": True}))
    found = errata_in(store)
    assert sorted((one.first, one.withdrawn) for one in found) == [("2026-11-03", False), ("2026-11-05", True)]
    assert note(found, "visits", "2026-11-02") is None
    assert note(found, "other", "2026-11-04") is None
    assert note(found, "visits", "2026-11-04") == "Bots counted · Bots counted (fr)"
    assert note(found, "visits", "2026-11-04", "fr") == "Bots counted (fr)"
    assert [withdrawn(found, "visits", f"2026-11-0{day}") for day in (4, 5, 6)] == [False, True, False]
    with pytest.raises(CannotPublish, match="each day; 2026-11 is none"):
        record(store, table, wrong.model_copy(update={"first": "2026-11"}))
    with pytest.raises(CannotPublish, match="the other way round"):
        record(store, table, wrong.model_copy(update={"last": "2026-11-01"}))
    with pytest.raises(NoSuchPeriod):
        record(store, table, wrong.model_copy(update={"last": "soon"}))
    store.put("errata/visits/0.json", b"{}")
    with pytest.raises(CatalogueUnreadable, match=r"errata/visits/0.json is not a correction"):
        errata_in(store)
