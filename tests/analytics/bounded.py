"""Tables for analysts to be bounded and released, small staged rows, and the engine over them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from genuka_pipelines.analytics.bounding.aggregates import Aggregates, aggregates
from genuka_pipelines.analytics.bounding.engine import DuckEngine
from genuka_pipelines.analytics.bounding.query import Query, query_of
from genuka_pipelines.analytics.bounding.template import STAGED, Statements
from genuka_pipelines.catalog.published import AnonymisedTable, Privacy

BEGINS, ENDS = date(2026, 10, 1), date(2026, 11, 1)
SALT = "5a" * 32
WORDS = {"fr": "x", "en": "x"}
COLUMNS = {
    "unit": pa.string(),
    "day": pa.date32(),
    "country": pa.string(),
    "age": pa.int64(),
    "amount": pa.int64(),
    "wait": pa.int64(),
    "open": pa.bool_(),
}
PRIVACY = Privacy.model_validate(
    {
        "title": WORDS,
        "begins": "2026-01-01",
        "units": {
            "company": {"title": WORDS, "year": {"epsilon": 5, "delta": 1e-7}},
            "device_day": {"title": WORDS, "family": "browser", "year": {"epsilon": 5, "delta": 1e-7}, "keyed": 3},
        },
        "keys": {"countries": ["CM", "FR", "it's", "other"]},
    }
)


def facts(**changes: Any) -> AnonymisedTable:
    """A table of companies by country and month; `changes` replaces attributes."""
    return AnonymisedTable.model_validate(
        {
            "title": WORDS,
            "question": WORDS,
            "category": "shop/content",
            "table": "orders",
            "purpose": "improve",
            "unit": "unit",
            "protects": "company",
            "period": {"every": "month", "of": "day"},
            "groups": 2,
            "dimensions": {"country": {"title": WORDS, "keys": "countries"}},
            "measures": {"companies": measure(units="all"), "orders": measure(rows=3)},
            "budget": {"epsilon": 1},
            **changes,
        }
    )


def measure(**parts: Any) -> dict[str, Any]:
    """A measure as YAML writes it: `units="all"`, `rows=3`, `sum="amount", between=[0, 9]`."""
    return {"kind": "units", "title": WORDS} if "units" in parts else {"title": WORDS, **parts}


SHAPES: Mapping[str, AnonymisedTable] = {
    "counts": facts(),
    "sums": facts(
        groups=3,
        dimensions={
            "country": {"title": WORDS, "keys": ["CM", "FR", "unknown"]},
            "age": {"title": WORDS, "edges": [0, 10, 20]},
        },
        measures={
            "amount": measure(sum="amount", between=[-50, 500]),
            "typical": measure(mean="wait", between=[0, 60]),
        },
        when={"open": True},
    ),
    "quantiles": facts(measures={"wait": measure(quantiles="wait", at=[0.5, 0.95], edges=[0, 5, 10, 30, 60])}),
    "private": facts(dimensions={"country": {"title": WORDS, "private": True}}, budget={"epsilon": 1, "delta": 1e-9}),
    "once": facts(once=True, groups=1, measures={"companies": measure(units="all"), "orders": measure(rows=2)}),
    "whole": facts(
        dimensions={},
        groups=5,
        measures={"companies": measure(units="all"), "amount": measure(sum="amount", between=[10, 90])},
    ),
}
"""One table for each shape that a query may have."""


def query(table: AnonymisedTable, begins: date = BEGINS, ends: date = ENDS, salt: str = SALT) -> Query:
    return query_of(table, PRIVACY, name="orders_monthly", begins=begins, ends=ends, salt=salt)


def staged(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Staged rows; what a row does not say is NULL, its unit `a` and its day the first."""
    filled = [{"unit": "a", "day": BEGINS, **row} for row in rows]
    return pa.table({name: pa.array([row.get(name) for row in filled], kind) for name, kind in COLUMNS.items()})


class Stage:
    """One connection whose staged rows change: opening an engine for each pair would be most of a campaign."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"threads": 1})

    def exact(self, rows: pa.Table, asked: Query, made: Statements | None = None) -> Aggregates:
        """The aggregates of a query over rows."""
        self._connection.register(STAGED, rows)
        try:
            return aggregates(DuckEngine(self._connection), asked, name="orders_monthly", made=made)
        finally:
            self._connection.unregister(STAGED)

    def cells(self, rows: pa.Table, asked: Query, made: Statements | None = None) -> dict[tuple[str, ...], Any]:
        """Figures by cell, without the cells that hold nothing."""
        found = self.exact(rows, asked, made)
        by_cell = {}
        for place, labels in enumerate(zip(*found.labels, strict=True) if found.labels else [()]):
            figures = {name: int(values[place]) for name, values in found.figures.items()}
            if any(figures.values()):
                by_cell[labels] = figures
        return by_cell


_FAR = [0, 1, 7, 55, 90, 10**6, -(10**6), 2**62, -(2**62), None]


def random_rows(dice: random.Random, units: int = 5, rows: int = 30) -> pa.Table:
    """Rows of a few units in a few cells, with everything in them that a bound must hold against."""
    return staged(
        [
            {
                "unit": dice.choice([None, *(f"unit {n}" for n in range(units))]),
                "day": BEGINS + timedelta(days=dice.randint(-4, 36)),
                "country": dice.choice(["CM", "CM", "FR", "it's", "US", "", "é|è", None]),
                "age": dice.choice([-3, 0, 5, 9, 10, 19, 20, 10**9, None]),
                "amount": dice.choice(_FAR),
                "wait": dice.choice(_FAR),
                "open": dice.choice([True, True, True, True, False, None]),
            }
            for _ in range(rows)
        ]
    )
