"""The same closed query on Spark, for tables that one machine cannot hold.

SQLGlot turns the template's DuckDB SQL into Spark's, so that there is one text to read and to prove;
a second one by hand would drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genuka_pipelines.analytics.bounding.engine import broken
from genuka_pipelines.analytics.bounding.template import BOUNDED, STAGED
from genuka_pipelines.analytics.errors import UnknownEngine

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = {"string": "text", "date": "date", "boolean": "boolean"}
_WHOLE = ("tinyint", "smallint", "int", "bigint")


class SparkEngine:
    """Spark over a session that has the view `genuka_staged`. See bounding/engine.py, Engine."""

    name = "spark"

    def __init__(self, session: Any) -> None:
        self._session, self.version = session, str(session.version)

    def columns(self) -> dict[str, str]:
        """See Engine."""
        return {name: _kind(declared) for name, declared in self._session.table(STAGED).dtypes}

    def keep(self, statement: str) -> None:
        """See Engine. Kept in memory and on disk, so that proof and cells read the same rows."""
        from pyspark import StorageLevel  # type: ignore[import-not-found]

        kept = self._run(statement).persist(StorageLevel.MEMORY_AND_DISK)
        kept.createOrReplaceTempView(BOUNDED)

    def ask(self, statement: str) -> pa.Table:
        """See Engine."""
        from pyspark.errors import PySparkException  # type: ignore[import-not-found]

        try:
            return self._run(statement).toArrow()
        except PySparkException as error:
            raise broken("Spark", error) from None

    def _run(self, statement: str) -> Any:
        from pyspark.errors import PySparkException

        try:
            return self._session.sql(in_spark(statement))
        except PySparkException as error:
            raise broken("Spark", error) from None


@contextmanager
def spark(files: Sequence[Path], session: Any = None) -> Iterator[SparkEngine]:
    """An engine over Parquet files, on `session` or the one this environment gives. UnknownEngine without Spark."""
    try:
        from pyspark.sql import SparkSession  # type: ignore[import-not-found]
    except ImportError:
        raise UnknownEngine(
            "Spark is not installed; install genuka-pipelines[spark], or set GENUKA_ENGINE=duckdb"
        ) from None
    opened = session or SparkSession.builder.appName("genuka analytics").getOrCreate()
    opened.conf.set("spark.sql.ansi.enabled", "true")
    opened.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        opened.read.parquet(*(str(file) for file in files)).createOrReplaceTempView(STAGED)
        yield SparkEngine(opened)
    finally:
        for view in (BOUNDED, STAGED):
            opened.catalog.dropTempView(view)
        opened.catalog.clearCache()
        if session is None:
            opened.stop()


def in_spark(statement: str) -> str:
    """A statement of the template, as Spark writes it."""
    import sqlglot

    return str(sqlglot.parse_one(statement, read="duckdb").transform(_digits).sql("spark"))


def _digits(node: Any) -> Any:
    """`CAST('0x' || digits AS BIGINT)`, which Spark does not read as a number."""
    from sqlglot import exp

    if isinstance(node, exp.Cast) and isinstance(node.this, exp.DPipe) and node.this.this.name == "0x":
        return exp.cast(
            exp.func("CONV", node.this.expression, exp.Literal.number(16), exp.Literal.number(10)), "BIGINT"
        )
    return node


def _kind(declared: str) -> str:
    if declared in _WHOLE:
        return "whole"
    if declared.startswith("decimal(") and declared.endswith(",0)") and int(declared[8:].split(",")[0]) <= 18:
        return "whole"
    return _KINDS.get(declared, "other")
