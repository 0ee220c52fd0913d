"""Every ten minutes: a period that settled, whose data are staged, and that nobody released, is released now."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import dagster as dg

from genuka_pipelines.analytics.waiting import waiting
from genuka_pipelines.catalog.published import Every
from genuka_pipelines.runtime import shared_runtime
from schedules import (
    analytics_aggregation_daily,
    analytics_aggregation_monthly,
    analytics_aggregation_quarterly,
    analytics_aggregation_weekly,
)
from schedules.settled import job_name, released

_A_TICK = 20
_JOBS: dict[Every, Any] = {
    "day": analytics_aggregation_daily.job,
    "week": analytics_aggregation_weekly.job,
    "month": analytics_aggregation_monthly.job,
    "quarter": analytics_aggregation_quarterly.job,
}


@dg.sensor(
    name="staged_data_ready",
    jobs=list(_JOBS.values()),
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """A run for each release that waits, asked for anew each day until it is there; at most twenty a tick."""
    house, now = shared_runtime(), datetime.now(UTC)

    def staged_at(key: str) -> datetime | None:
        event = context.instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
        return None if event is None else datetime.fromtimestamp(event.timestamp, UTC)

    found = list(islice(waiting(house, staged_at, now=now), _A_TICK))
    if not found:
        yield dg.SkipReason("every period that settled and was staged since is released")
    for one in found:
        every = house.catalog.published[one.table].period.every
        yield released(
            one.period,
            [one.table],
            job_name=job_name(every),
            run_key=f"{one.table} {one.period} {one.spec} {now:%Y-%m-%d}",
        )
