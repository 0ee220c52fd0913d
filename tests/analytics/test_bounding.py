"""What each unit gives to each cell is what is declared, and no more; and it is exact where nothing is cut."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genuka_pipelines.analytics.bounding.aggregates import aggregates
from genuka_pipelines.analytics.bounding.engine import duck
from genuka_pipelines.analytics.bounding.engines import open_engine
from genuka_pipelines.analytics.bounding.query import keys_of
from genuka_pipelines.analytics.bounding.spark import in_spark
from genuka_pipelines.analytics.bounding.template import statements
from genuka_pipelines.analytics.errors import (
    BoundaryBroken,
    NotWhole,
    TooManyCells,
    UnitOutweighs,
    UnknownEngine,
    UnknownStagedColumn,
)
from genuka_pipelines.catalog.published import Dimension
from tests.analytics.bounded import ENDS, PRIVACY, SHAPES, WORDS, Stage, facts, measure, query, staged


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def test_rows_are_counted_by_unit_and_cut_to_the_declared(stage: Stage) -> None:
    rows = [{"country": "CM"}] * 5 + [{"unit": "b", "country": "CM"}, {"unit": "b", "country": "FR"}]
    found = stage.cells(staged(rows), query(facts()))
    assert found[("CM",)] == {"units": 2, "m0": 2, "m1": 4}, "three of the five rows of a, and one of b"
    assert found[("FR",)] == {"units": 1, "m0": 1, "m1": 1}


def test_every_public_cell_is_there_and_in_the_order_of_its_keys(stage: Stage) -> None:
    found = stage.exact(staged([]), query(SHAPES["sums"]))
    assert list(zip(*found.labels, strict=True)) == [
        (country, age) for country in ("CM", "FR", "unknown") for age in ("0-9", "10-19", "20+")
    ]
    assert not any(values.any() for values in found.figures.values())
    assert stage.exact(staged([]), query(SHAPES["whole"])).cells == 1
    assert stage.exact(staged([]), query(SHAPES["private"])).cells == 0


def test_what_is_not_listed_counts_as_other_and_what_is_missing_as_unknown(stage: Stage) -> None:
    rows = staged([{"unit": "a", "country": "US"}, {"unit": "b"}, {"unit": "c", "country": "it's"}])
    assert set(stage.cells(rows, query(facts()))) == {("other",), ("it's",)}
    unknown = facts(dimensions={"country": {"title": WORDS, "keys": ["CM", "unknown"]}})
    assert stage.cells(rows, query(unknown)) == {("unknown",): {"units": 1, "m0": 1, "m1": 1}}


def test_edges_make_ranges_and_nothing_lies_below_the_first() -> None:
    edges = Dimension.model_validate({"title": WORDS, "edges": [1, 2, 5]})
    assert keys_of(edges, PRIVACY) == ("1", "2-4", "5+")


@pytest.mark.parametrize(
    ("row", "counted"),
    [
        ({"unit": None}, False),
        ({"day": date(2026, 9, 30)}, False),
        ({"day": date(2026, 10, 31)}, True),
        ({"day": ENDS}, False),
        ({"day": None}, False),
    ],
)
def test_rows_without_a_unit_or_outside_the_period_do_not_count(
    stage: Stage, row: dict[str, Any], counted: bool
) -> None:
    assert bool(stage.cells(staged([{"country": "CM", **row}]), query(facts()))) is counted


@pytest.mark.parametrize(
    ("when", "counted"),
    [
        ({"open": True}, 1), ({"open": False}, 1), ({"country": ["CM", "FR"]}, 2), ({"country": "it's"}, 0),
        ({"open": "present"}, 2), ({"age": "absent"}, 1), ({"age": 7}, 1), ({"country": "FR", "open": False}, 1),
    ],
)  # fmt: skip
def test_only_rows_in_the_declared_state_count(stage: Stage, when: dict[str, Any], counted: int) -> None:
    rows = [{"country": "CM", "open": True, "age": 7}, {"unit": "b", "country": "FR", "open": False}]
    found = stage.cells(staged(rows), query(facts(when=when)))
    assert sum(cell["m0"] for cell in found.values()) == counted


def test_sums_are_clamped_by_unit_and_missing_amounts_are_nothing(stage: Stage) -> None:
    here: dict[str, Any] = {"country": "CM", "age": 1, "open": True}
    rows = [
        *({**here, "amount": amount, "wait": wait} for amount, wait in [(400, 30), (400, None), (-100, 50)]),
        {**here, "unit": "b", "amount": -(2**62)},
        {**here, "unit": "c"},
    ]
    found = stage.cells(staged(rows), query(SHAPES["sums"]))
    assert found[("CM", "0-9")] == {"units": 3, "m0": 500 - 50, "m1": 60, "u1": 1}


def test_a_unit_counts_in_so_many_cells_and_which_ones_only_its_rows_and_the_salt_say(stage: Stage) -> None:
    countries = ["CM", "FR", "it's", "US"]
    rows = [{"unit": unit, "country": country} for unit in "abcdefgh" for country in countries]
    found = stage.cells(staged(rows), query(facts()))
    assert sum(cell["units"] for cell in found.values()) == 16
    assert found == stage.cells(staged(rows[::-1]), query(facts()))
    alone = [stage.cells(staged([row for row in rows if row["unit"] == unit]), query(facts())) for unit in "abcdefgh"]
    assert all(len(cells) == 2 for cells in alone)
    assert len({tuple(cells) for cells in alone}) > 1, "no key is favoured"
    assert found != stage.cells(staged(rows), query(facts(), salt="other"))


def test_cells_are_drawn_evenly(stage: Stage) -> None:
    """Neither the first cell nor a neighbour is kept more often than others, public or found."""
    countries = [f"c{n}" for n in range(8)]
    rows = staged([{"unit": f"u{n}", "country": country} for n in range(3000) for country in countries])
    for country in ({"title": WORDS, "keys": countries}, {"title": WORDS, "private": True}):
        drawn = facts(dimensions={"country": country}, budget={"epsilon": 1, "delta": 1e-9})
        kept = [cell["units"] for cell in stage.cells(rows, query(drawn)).values()]
        # 3000 units of which each keeps a quarter of its cells: 750, with a deviation of 24.
        assert sum(kept) == 6000
        assert all(abs(units - 750) < 24 * 5 for units in kept), kept


def test_a_unit_of_one_period_never_counts_in_a_second(stage: Stage) -> None:
    rows = staged([{"country": "CM"}, {"country": "CM", "day": ENDS}, {"unit": "b", "country": "CM", "day": ENDS}])
    first, second = query(SHAPES["once"]), query(SHAPES["once"], ENDS, date(2026, 12, 1))
    assert stage.cells(rows, first)[("CM",)]["m0"] == 1
    assert stage.cells(rows, second)[("CM",)]["m0"] == 1, "b only"


def test_quantiles_count_one_value_of_each_unit(stage: Stage) -> None:
    rows = [{"country": "CM", "wait": wait} for wait in (-5, 4, 7, 1000)] * 2 + [{"unit": "b", "country": "CM"}]
    found = stage.cells(staged(rows), query(SHAPES["quantiles"]))[("CM",)]
    assert found["units"] == 2
    assert sum(found[f"m0_{n}"] for n in range(4)) == 1
    far = stage.cells(staged([{"country": "CM", "wait": 2**62}]), query(SHAPES["quantiles"]))
    assert far[("CM",)]["m0_3"] == 1


def test_found_keys_are_sorted_and_empty_texts_are_keys(stage: Stage) -> None:
    rows = [{"unit": unit, "country": country} for unit in "ab" for country in ("é|è", "", None)]
    found = stage.exact(staged(rows), query(SHAPES["private"]))
    assert found.labels == (["", "é|è"],)


def test_found_keys_stand_beside_public_ones(stage: Stage) -> None:
    dimensions = {
        "country": {"title": WORDS, "private": True},
        "kind": {"title": WORDS, "of": "unit", "keys": ["b", "other"]},
        "age": {"title": WORDS, "edges": [0, 10]},
    }
    mixed = facts(groups=5, dimensions=dimensions, budget={"epsilon": 1, "delta": 1e-9})
    rows = [{"country": "CM", "age": age, "unit": unit} for age in (12, 3) for unit in "ab"]
    rows.append({"country": "BE", "age": 3})
    found = stage.exact(staged(rows), query(mixed))
    assert list(zip(*found.labels, strict=True)) == [
        ("BE", "other", "0-9"), ("CM", "b", "0-9"), ("CM", "b", "10+"), ("CM", "other", "0-9"), ("CM", "other", "10+"),
    ]  # fmt: skip
    assert found.figures["units"].tolist() == [1] * 5


def test_exact_figures_are_in_no_text(stage: Stage) -> None:
    asked = query(facts())
    found = stage.exact(staged([{"country": "CM"}] * 4321), asked)
    for text in (repr(found), repr(asked), repr(statements(asked))):
        assert "4321" not in text
        assert asked.salt not in text
        assert "array" not in text


def test_a_certificate_says_bounds_and_no_figures(stage: Stage) -> None:
    proven = stage.exact(staged([{"country": "CM"}] * 9), query(facts())).certificate
    assert (proven.groups, proven.amounts, proven.proven) == (2, {"companies": 1, "orders": 3}, True)
    assert proven == stage.exact(staged([]), query(facts())).certificate


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"unit": "nobody"}, UnknownStagedColumn, "reads the column 'nobody'"),
        ({"measures": {"x": measure(sum="price", between=[0, 1])}}, NotWhole, "stage amounts in minor units"),
        ({"dimensions": {"price": {"title": WORDS, "private": True}}, "budget": {"epsilon": 1, "delta": 1e-9}},
         NotWhole, "'price'"),
        ({"period": {"every": "month", "of": "country"}}, NotWhole, "as date"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit_are_one_sentence(changes: dict[str, Any], error: type, said: str) -> None:
    connection = Stage()
    rows = staged([{"country": "CM"}]).append_column("price", pa.array([0.5]))
    with pytest.raises(error, match=said) as refused:
        connection.exact(rows, query(facts(**changes)))
    assert "orders_monthly" in str(refused.value)


def test_a_grid_of_too_many_cells_is_refused() -> None:
    many = {"title": WORDS, "keys": [str(n) for n in range(400)]}
    with pytest.raises(TooManyCells, match="160000 cells"):
        query(facts(dimensions={"a": {**many, "of": "country"}, "b": {**many, "of": "country"}}))
    quantiles = {"wait": measure(quantiles="wait", at=[0.5], edges=list(range(3001)))}
    with pytest.raises(TooManyCells, match="3000 ranges"):
        query(facts(dimensions={"a": {**many, "of": "country"}}, measures=quantiles))


def test_an_engine_that_fails_says_none_of_its_words(tmp_path: Path) -> None:
    secret = "secret-unit"
    bad = tmp_path / "00.parquet"
    pq.write_table(staged([{"unit": secret, "country": "CM"}]), bad)
    asked = query(facts())
    made = statements(asked)
    broken = type(made)(made.bounded + " AND CAST(unit AS INTEGER) > 0", made.proof, made.cells)
    with pytest.raises(BoundaryBroken) as refused, duck([bad], spill=tmp_path) as engine:
        aggregates(engine, asked, name="orders_monthly", made=broken)
    assert secret not in str(refused.value)
    assert refused.value.__suppress_context__
    bad.write_bytes(b"PAR1 no parquet")
    with pytest.raises(BoundaryBroken), duck([bad], spill=tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["00.parquet"], "nothing spilled is left"


def test_sums_that_might_pass_64_bits_are_refused(stage: Stage) -> None:
    rows = staged([{"country": "CM"}])
    asked = query(facts())
    made = statements(asked)
    many = made.proof.replace("COUNT(unit) AS units, COUNT(*) AS everyone", f"{2**62} AS units, {2**62} AS everyone")
    with pytest.raises(UnitOutweighs, match="2\\^63"):
        stage.exact(rows, asked, type(made)(made.bounded, many, made.cells))


def test_many_units_are_bounded_in_little_memory_and_the_spill_goes(tmp_path: Path) -> None:
    file = tmp_path / "00.parquet"
    connection = duckdb.connect()
    connection.execute(
        "COPY (SELECT md5(CAST(range % 60000 AS VARCHAR)) AS unit, DATE '2026-10-05' AS day, "
        "'k' || (range % 7) AS country, range AS age, range AS amount, range AS wait, TRUE AS open "
        f"FROM range(300000)) TO '{file}' (FORMAT parquet)"
    )
    keys = {"country": {"title": WORDS, "keys": [f"k{n}" for n in range(7)]}}
    with duck([file], spill=tmp_path, memory="100MB") as engine:
        found = aggregates(engine, query(facts(dimensions=keys)), name="orders_monthly")
    assert int(found.figures["units"].sum()) == 120_000
    assert [path.name for path in tmp_path.iterdir()] == ["00.parquet"]


def test_the_same_query_is_written_for_spark() -> None:
    for shape in SHAPES.values():
        made = statements(query(shape))
        for statement in (made.bounded, made.proof, made.cells):
            written = in_spark(statement)
            assert "DENSE_RANK() OVER (PARTITION BY unit ORDER BY o" in written or statement is not made.bounded
            assert '"' not in written, "Spark reads double quotes as texts"
            assert "'0x'" not in written, "Spark reads no such number"
    with pytest.raises(UnknownEngine, match="duckdb or spark"):
        open_engine("abacus", [], spill=Path())
