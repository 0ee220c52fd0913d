"""What is expected of every published table, asked through Great Expectations before anyone believes it.

The expectations follow from the definition, so a new table is asked from its first night; the
catalogue's own code is not asked whether it did well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

from genuka_pipelines.analytics.publishing.declared import Declared
from genuka_pipelines.analytics.publishing.duck import quoted
from genuka_pipelines.analytics.publishing.figures import figures
from genuka_pipelines.analytics.publishing.surroundings import Publishing
from genuka_pipelines.catalog.expectation import Expectation
from genuka_pipelines.catalog.published import AnonymisedTable

_STATUSES = ["released", "below_threshold", "suppressed"]


def expectations(table: AnonymisedTable) -> Iterator[Expectation]:
    """What holds of every row of a table's wide form."""
    for name in ("period", "begins", "ends", *table.dimensions, "status"):
        yield Expectation(expect="expect_column_values_to_not_be_null", arguments={"column": name})
    keys = ["period", *table.dimensions]
    if len(keys) > 1:
        yield Expectation(expect="expect_compound_columns_to_be_unique", arguments={"column_list": keys})
    else:
        yield Expectation(expect="expect_column_values_to_be_unique", arguments={"column": "period"})
    yield _in_set("status", _STATUSES)
    for name, figure in figures(table).items():
        if figure.whole and isfinite(figure.least):
            bounds = {"column": f"{name}_low", "min_value": figure.least}
            yield Expectation(expect="expect_column_values_to_be_between", arguments=bounds)
        for greater, lesser in ((name, f"{name}_low"), (f"{name}_high", name)):
            pair = {"column_A": greater, "column_B": lesser, "or_equal": True}
            yield Expectation(expect="expect_column_pair_values_a_to_be_greater_than_b", arguments=pair)


def unmet(house: Publishing, file: Path, name: str, declared: Declared) -> dict[str, int | None]:
    """The rows that fail, by expectation (None: could not be found out); empty where all is as expected."""
    import duckdb

    found: dict[str, int | None] = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.sql(f"SELECT * FROM {quoted(name)}").to_arrow_table().to_pydict()  # noqa: S608 - quoted
        for expected in expectations(declared.table) if rows["period"] else ():
            found[_named(name, expected)] = house.unmet({one: rows[one] for one in expected.columns}, expected)
        for dimension, keys in _public(house, declared).items():
            # Keys that an earlier definition had are no mistake of this one.
            query = f"SELECT DISTINCT {quoted(dimension)} FROM {quoted(f'{name}_cells')} WHERE spec = ?"  # noqa: S608
            values = [key for (key,) in connection.execute(query, [declared.spec]).fetchall()]
            if values:
                expected = _in_set(dimension, keys)
                found[_named(name, expected)] = house.unmet({dimension: values}, expected)
    return {expected: rows for expected, rows in found.items() if rows != 0}


def _public(house: Publishing, declared: Declared) -> dict[str, Sequence[str]]:
    privacy = house.catalog.privacy
    keys = {name: privacy.keys_of(one) if privacy else () for name, one in declared.table.dimensions.items()}
    return {name: listed for name, listed in keys.items() if listed}


def _in_set(column: str, values: Sequence[str]) -> Expectation:
    arguments = {"column": column, "value_set": list(values)}
    return Expectation(expect="expect_column_values_to_be_in_set", arguments=arguments)


def _named(table: str, expected: Expectation) -> str:
    short = expected.expect.removeprefix("expect_").removeprefix("column_")
    return f"{table}.{'-'.join(expected.columns)}.{short}"
