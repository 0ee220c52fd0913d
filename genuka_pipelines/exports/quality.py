"""What is expected of the archive's tables, asked through Great Expectations of the Parquet files themselves.

The tenant gets the answers with its data: an archive is no better than its source, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from genuka_pipelines.catalog.expectation import Expectation
    from genuka_pipelines.exports.choosing import ChosenTable
    from genuka_pipelines.exports.house import Exporting
    from genuka_pipelines.exports.tables import TableRead

CHUNK = 100_000
_ROW_BY_ROW = (
    "_not_be_null", "_be_null", "_to_match_regex", "_to_not_match_regex", "_match_like_pattern", "_be_in_set",
    "_values_to_be_between", "_lengths_to_be_between", "_lengths_to_equal", "_a_to_be_greater_than_b", "_to_be_equal",
)  # fmt: skip
"""Expectations that each row meets by itself, so that chunks of a table add up; others are asked of a small one."""


def ask(house: Exporting, tables: Mapping[str, ChosenTable], read: Mapping[str, TableRead]) -> list[dict[str, Any]]:
    """Each expectation with the rows that fail it; None where that could not be found out."""
    found = []
    for name, table in tables.items():
        for expected in table.declared.expectations:
            if expected.columns and set(expected.columns) <= set(read[name].columns):
                unmet = _unmet(house, read[name], expected)
                said = {"table": name, "columns": list(expected.columns), "expected": expected.expect}
                found.append({**said, "severity": expected.severity, "unmet": unmet})
    return found


def _unmet(house: Exporting, read: TableRead, expected: Expectation) -> int | None:
    if read.parquet is None or not read.rows:
        return 0
    whole = not expected.expect.removesuffix("_list").endswith(_ROW_BY_ROW)
    if whole and read.rows > CHUNK:
        return None
    total = 0
    for columns in _chunks(read.parquet.path, expected.columns):
        unmet = house.unmet(columns, expected)
        if unmet is None:
            return None
        total += unmet
    return total


def _chunks(path: Path, columns: tuple[str, ...]) -> Any:
    """The columns of a file, some rows at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(CHUNK, columns=list(dict.fromkeys(columns))):
            yield batch.to_pydict()
