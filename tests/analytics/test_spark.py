"""The same aggregates in every cell, whichever engine bounded them: with Spark where it is installed.

In one process by default; in several with `GENUKA_TEST_SPARK='local-cluster[2,1,1024]'` (two workers of a core
and 1024 MB, each a Java process of its own). Allow it ten minutes: a time limit that ends it while its workers
still start shows as Java's "Shutdown hooks cannot be modified during shutdown".
"""

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
"""A master of Spark's; a cluster of several processes shuffles for real."""
LOCAL = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # No task before every process is there, and none kept for the one that has read the file.
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
    "spark.locality.wait": "0s",
}


def test_without_spark_it_says_what_to_install(tmp_path: Path) -> None:
    try:
        import pyspark  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        with pytest.raises(UnknownEngine, match=r"genuka-pipelines\[spark\]"), spark([tmp_path]):
            pass


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="needs pyspark (the extra [spark]) and Java: not compared here")
    with pytest.MonkeyPatch.context() as patch:
        # Workers listen where this says, and not on the machine's own address.
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        opened = sql.SparkSession.builder.master(MASTER).config(map=LOCAL).getOrCreate()
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


@pytest.mark.skipif(not MASTER.startswith("local-cluster"), reason="one process: GENUKA_TEST_SPARK asks for several")
def test_a_cluster_computed_it_in_several_processes(session: Any, tmp_path: Path) -> None:
    dice = random.Random(1)
    for shard in range(8):
        pq.write_table(random_rows(dice, units=90, rows=700), tmp_path / f"{shard:02d}.parquet")
    with spark(sorted(tmp_path.glob("*.parquet")), session) as engine:
        aggregates(engine, query(SHAPES["counts"]), name="t")
    executors = session.sparkContext._jsc.sc().statusStore().executorList(True)
    known = [executors.apply(place) for place in range(executors.size())]
    tasks = {each.id(): each.totalTasks() for each in known if each.id() != "driver"}
    assert len(tasks) >= int(MASTER.removeprefix("local-cluster[").split(",")[0])
    assert all(tasks.values()), tasks
