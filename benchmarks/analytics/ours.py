"""Our side: bounded, proven, added up and given noise; and the bare query that protects nobody."""

from __future__ import annotations

import resource
import time
from datetime import date
from pathlib import Path

import duckdb

from genuka_pipelines.analytics.bounding.aggregates import aggregates
from genuka_pipelines.analytics.bounding.engine import duck
from genuka_pipelines.analytics.bounding.query import query_of
from genuka_pipelines.analytics.noise.cells import released
from genuka_pipelines.analytics.noise.plan import planned
from genuka_pipelines.catalog.published import AnonymisedTable, Privacy, Spend

EPSILON, DELTA, CELLS, ROWS, AMOUNT = 1.0, 1e-9, 10, 5, 500
"""What every engine is asked for: ε and δ, cells of a user, rows of a user in a cell, a user's amount in a cell."""
_WORDS = {"fr": "x", "en": "x"}
_PRIVACY = Privacy.model_validate(
    {"title": _WORDS, "begins": "2026-01-01", "units": {"user": {"title": _WORDS, "year": {"epsilon": 12}}}}
)


def table(keys: list[str] | None) -> AnonymisedTable:
    """Rows and amounts by group; without keys, groups are found in the data."""
    dimension = {"title": _WORDS, **({"keys": keys} if keys is not None else {"private": True})}
    return AnonymisedTable.model_validate(
        {
            "title": _WORDS,
            "question": _WORDS,
            "category": "bench/rows",
            "table": "rows",
            "purpose": "bench",
            "unit": "user",
            "protects": "user",
            "period": {"every": "month", "of": "day"},
            "groups": CELLS,
            "dimensions": {"grp": dimension},
            "measures": {
                "rows": {"title": _WORDS, "rows": ROWS},
                "amount": {"title": _WORDS, "sum": "amount", "between": [0, AMOUNT]},
            },
            "minimum": 0,
            "budget": {"epsilon": EPSILON, "delta": DELTA if keys is None else 0},
        }
    )


def protected(file: Path, keys: list[str] | None, memory: str = "1GB") -> dict[str, float]:
    """Seconds of the bounding with its proof, of the noise, and cells."""
    facts = table(keys)
    query = query_of(facts, _PRIVACY, name="rows", begins=date(2026, 10, 1), ends=date(2026, 11, 1), salt="5a" * 32)
    plan = planned(query, Spend(epsilon=12, delta=1e-6), name="rows")
    begun = time.perf_counter()
    with duck([file], spill=file.parent, memory=memory) as engine:
        exact = aggregates(engine, query, name="rows")
    bounded = time.perf_counter()
    cells = released(exact, query, plan)
    ended = time.perf_counter()
    return {
        "seconds": ended - begun, "bounding": bounded - begun, "noise": ended - bounded,
        "groups": exact.cells, "released": cells.num_rows // 2, "peak_mib": peak(),
    }  # fmt: skip


def bare(file: Path, counted: str = "*") -> float:
    """Seconds of the unprotected query of two figures: rows (or what is `counted`) and amounts."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    statement = f"SELECT grp, COUNT({counted}), SUM(amount) FROM read_parquet('{file}') GROUP BY grp"
    begun = time.perf_counter()
    connection.execute(statement).fetchall()
    return time.perf_counter() - begun


def peak() -> float:
    """The most memory this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
