"""Runs declared expectations through Great Expectations, inside the database.

Great Expectations keeps samples of what it found unexpected, which are people's data; it is asked
for counts alone, and whatever it says of an error is dropped.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.expectation import Expectation

if TYPE_CHECKING:
    from sqlalchemy import URL

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Met:
    """Whether one expectation is met; `passed` is None where that could not be found out."""

    table: str
    expectation: Expectation
    passed: bool | None
    unexpected: int | None

    @property
    def name(self) -> str:
        """The table, the columns and what is expected, as one opaque name."""
        columns = "-".join(self.expectation.columns)
        short = self.expectation.expect.removeprefix("expect_").removeprefix("column_")
        return ".".join(part for part in (self.table, columns, short) if part)


def run_expectations(
    url: URL, table: str, expectations: Sequence[Expectation], *, query: str | None = None
) -> tuple[Met, ...]:
    """Every expectation on a table, or on the rows of a query over it, pushed down to the database."""
    if not expectations:
        return ()
    suite = _suite(expectations)
    try:
        with _batch(url, table, query) as batch:
            results = batch.validate(suite, result_format=_COUNTS_ONLY).results
    except Exception:  # noqa: BLE001 - its text may hold values; not knowing is an answer of its own
        results = []
    found = {result.expectation_config.meta["place"]: result for result in results}
    return tuple(_met(table, item, found.get(place)) for place, item in enumerate(expectations))


def unmet_in_frame(columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
    """How many rows of a table in memory fail an expectation; None where that could not be found out."""
    import pandas as pd  # type: ignore[import-untyped]

    try:
        batch = _frames().get_batch({"dataframe": pd.DataFrame(columns)})
        results = batch.validate(_suite([expected]), result_format=_COUNTS_ONLY).results
    except Exception:  # noqa: BLE001 - as above: not knowing is an answer of its own
        results = []
    met = _met("frame", expected, results[0] if results else None)
    return met.unexpected if met.passed is not None else None


def _met(table: str, expectation: Expectation, result: Any) -> Met:
    if result is None or _raised(result.exception_info):
        return Met(table, expectation, None, None)
    return Met(table, expectation, bool(result.success), result.result.get("unexpected_count"))


def _raised(info: Any) -> bool:
    if not isinstance(info, dict) or not info:
        return False
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(bool(part.get("raised_exception")) for part in info.values() if isinstance(part, dict))


def _suite(expectations: Sequence[Expectation]) -> Any:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    made = []
    for place, item in enumerate(expectations):
        kind = getattr(gxe, "".join(word.capitalize() for word in item.expect.split("_")))
        made.append(kind(**item.arguments, meta={"place": place}))
    return gx.ExpectationSuite(name="declared", expectations=made)


@contextmanager
def _batch(url: URL, table: str, query: str | None) -> Iterator[Any]:
    source = _source(url.render_as_string(hide_password=False))
    name = f"{table}_{len(source.assets)}"
    asset = source.add_query_asset(name, query=query) if query else source.add_table_asset(name, table_name=table)
    try:
        yield asset.add_batch_definition_whole_table("all").get_batch()
    finally:
        source.delete_asset(name)


@cache
def _source(url: str) -> Any:
    return _context().data_sources.add_sql(
        f"source_{len(_context().data_sources.all())}", connection_string=url, create_temp_table=False
    )


@cache
def _frames() -> Any:
    # Made once: Great Expectations writes its whole configuration anew whenever a part is added.
    return (
        _context()
        .data_sources.add_pandas("frames")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("all")
    )


@cache
def _context() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    return context
