"""A sensor's tick over many open requests: a fifth approved, a fifth failed an hour ago, and one that takes in fifty.

python -m benchmarks.requests [requests]      default 10,000
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa

from genuka_pipelines.requests.asking import ask
from genuka_pipelines.requests.registering import Asked, register
from schedules import answer_request
from tests.cli.platform import platform

if TYPE_CHECKING:
    from genuka_pipelines.runtime import Runtime

FEW, TICKS = 10, 9


def opened(runtime: Runtime, many: int, *, first: int = 0) -> None:
    """So many requests of so many people; every fifth is approved, every fifth after it has failed."""
    (plan,) = runtime.catalog.requests.values()
    now = datetime.now(UTC)
    for number in range(first, many):
        said = Asked("erasure", "email", "staff-1", (f"p{number}@example.org",))
        name = register(runtime, plan, said, now=now).request.id
        requests = runtime.control.requests
        if number % 5 < 2:
            requests.move(name, "identified", lambda one: replace(one, identified_at=now), now=now)
            requests.move(name, "approved", lambda one: replace(one, preview="0" * 64), now=now)
        if number % 5 == 1:
            requests.move(name, "running", lambda one: replace(one, attempts=1), now=now)
            tried = now - timedelta(hours=1)
            requests.move(name, "failed", lambda one, tried=tried: replace(one, tried_at=tried), now=now)  # type: ignore[misc]


def written(url: sa.URL, rows: int) -> None:
    """What a support tool leaves."""
    one = {"kind": "access", "channel": "support_tool", "opened_by": "tool"}
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        table = sa.Table("request_intake", sa.MetaData(), autoload_with=connection)
        connection.execute(table.insert(), [{**one, "subject": f"new{row}@example.org"} for row in range(rows)])
    engine.dispose()


def seconds(run: Callable[[], Any]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def tick() -> int:
    """The sensor, as Dagster's daemon asks it; how many runs it wants."""
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance=instance) as context:
        asked: Any = answer_request.sensor(context)
    return len(getattr(asked, "run_requests", None) or ())


def ticks() -> list[float]:
    """The time of several ticks, after one that opens the house."""
    tick()
    return [seconds(tick) for _ in range(TICKS)]


def main(many: int) -> dict[str, Any]:
    """The median tick with a few and with many requests, one that takes in 50, and the check of the register."""
    with tempfile.TemporaryDirectory() as folder, platform(Path(folder)) as house:
        os.environ.update(house.env)
        with house.opened() as runtime:
            opened(runtime, FEW)
            few = statistics.median(ticks())
            opened(runtime, many, first=FEW)
            every = ticks()
            written(runtime.settings.url("control"), 50)
            taking = seconds(tick)
            now = datetime.now(UTC)
            check = seconds(lambda: ask(runtime, "answered_in_time", as_of=now, now=now))
            count = sum(runtime.control.requests.count().values())
    return {
        "requests": count,
        "tick_few_s": round(few, 4),
        "tick_many_s": round(statistics.median(every), 4),
        "tick_many_max_s": round(max(every), 4),
        "tick_taking_in_50_s": round(taking, 4),
        "answered_in_time_s": round(check, 4),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
