"""Opens the engine a deployment has chosen: one process, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from genuka_pipelines.analytics.bounding.engine import Engine, duck
from genuka_pipelines.analytics.errors import UnknownEngine

ENGINES = ("duckdb", "spark")


def open_engine(name: str, files: Sequence[Path], *, spill: Path) -> AbstractContextManager[Engine]:
    """The engine `name` over Parquet files of one staged table. Raises UnknownEngine."""
    if name == "duckdb":
        return duck(files, spill=spill)
    if name == "spark":
        from genuka_pipelines.analytics.bounding.spark import spark

        return spark(files)
    raise UnknownEngine(f"'{name[:40]}' is no engine; GENUKA_ENGINE is {' or '.join(ENGINES)}")
