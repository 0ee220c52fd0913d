"""The same aggregates in every cell, whichever engine bounded them: with Spark where it is installed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from genuka_pipelines.analytics.bounding.aggregates import aggregates
from genuka_pipelines.analytics.bounding.engine import duck
from genuka_pipelines.analytics.bounding.spark import spark
from genuka_pipelines.analytics.errors import UnknownEngine
from tests.analytics.bounded import SHAPES, query, random_rows

MASTER = os.environ.get("GENUKA_TEST_SPARK", "local[2]")
"""`local-cluster[2,1,1024]` in the campaign: several processes, which shuffle for real."""


def test_without_spark_it_says_what_to_install(tmp_path: Path) -> None:
    try:
        import pyspark  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(UnknownEngine, match=r"genuka-pipelines\[spark\]"), spark([tmp_path]):
            pass


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="needs pyspark (the extra [spark]) and Java: not compared here")
    builder = sql.SparkSession.builder.master(MASTER).config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4").config("spark.driver.bindAddress", "127.0.0.1")
    opened = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    yield opened
    opened.stop()


@pytest.mark.parametrize("shape", SHAPES)
def test_both_engines_give_the_same_figures(session: Any, tmp_path: Path, shape: str, seed: int) -> None:
    dice = random.Random(f"{seed}{shape}")
    for shard in range(3):
        pq.write_table(random_rows(dice, units=90, rows=700), tmp_path / f"{shard:02d}.parquet")
    files = sorted(tmp_path.glob("*.parquet"))
    asked = query(SHAPES[shape])
    with duck(files, spill=tmp_path) as one:
        ours = aggregates(one, asked, name="t")
    with spark(files, session) as other:
        theirs = aggregates(other, asked, name="t")
    assert ours.labels == theirs.labels
    assert ours.certificate == theirs.certificate
    assert ours.figures.keys() == theirs.figures.keys()
    for name, figures in ours.figures.items():
        assert (figures == theirs.figures[name]).all(), name
