"""Runs the closed query in DuckDB, in bounded memory, and forgets what it saw.

What spills to disk is of single units, so it lies in a folder that goes with the run; and an engine's
own error may quote a value, so none of its words get out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from genuka_pipelines.analytics.bounding.template import BOUNDED, STAGED
from genuka_pipelines.analytics.errors import BoundaryBroken

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY = "1GB"


class Engine(Protocol):
    """What bounds and adds up. `name` and `version` go into manifests."""

    name: str
    version: str

    def columns(self) -> dict[str, str]:
        """The staged columns, and of each: whole, text, date, boolean or other."""

    def keep(self, statement: str) -> None:
        """Make the relation `genuka_bounded` of a query, until the engine is left."""

    def ask(self, statement: str) -> pa.Table:
        """The rows of a query."""


class DuckEngine:
    """DuckDB over one connection that has the relation `genuka_staged`."""

    name = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        import duckdb

        self._connection, self.version = connection, duckdb.__version__

    def columns(self) -> dict[str, str]:
        """See Engine."""
        described = self._quietly(lambda: self._connection.execute(f"DESCRIBE {STAGED}").fetchall())
        return {str(row[0]): _kind(str(row[1])) for row in described}

    def keep(self, statement: str) -> None:
        """See Engine."""
        self._quietly(lambda: self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {BOUNDED} AS {statement}"))

    def ask(self, statement: str) -> pa.Table:
        """See Engine."""
        return self._quietly(lambda: self._connection.sql(statement).to_arrow_table())

    def _quietly(self, work: Callable[[], Any]) -> Any:
        import duckdb

        try:
            return work()
        except duckdb.Error as error:
            raise broken("DuckDB", error) from None


@contextmanager
def duck(files: Sequence[Path], *, spill: Path, memory: str = MEMORY) -> Iterator[DuckEngine]:
    """An engine over Parquet files of one staged table; beyond `memory` it spills into a folder under `spill`."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix=".bounding.", dir=spill) as folder:
        settings: dict[str, Any] = {
            "memory_limit": memory,
            "temp_directory": folder,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        }
        connection = duckdb.connect(config=settings)
        try:
            connection.execute("SET enable_progress_bar = false")
            connection.read_parquet([str(file) for file in files]).create_view(STAGED)
            yield DuckEngine(connection)
        except duckdb.Error as error:
            raise broken("DuckDB", error) from None
        finally:
            connection.close()


def broken(engine: str, error: Exception) -> BoundaryBroken:
    """One sentence with the kind of an engine's error, and none of its words."""
    return BoundaryBroken(
        f"{engine} could not compute the release ({type(error).__name__}); nothing was released: "
        "look at memory and disk, stage the table again, then try again"
    )


def _kind(declared: str) -> str:
    if declared in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"):
        return "whole"
    if declared.startswith("DECIMAL(") and declared.endswith(",0)") and int(declared[8:].split(",")[0]) <= 18:
        return "whole"
    return {"VARCHAR": "text", "DATE": "date", "BOOLEAN": "boolean"}.get(declared, "other")
