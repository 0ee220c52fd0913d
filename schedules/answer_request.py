"""Every few minutes: what support tools wrote is registered, and what was approved is carried out."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.catalog.request import REGISTER
from genuka_pipelines.requests.waking import look
from genuka_pipelines.runtime import shared_runtime

job = dg.define_asset_job(
    "answer_request",
    selection=dg.AssetSelection.assets(REGISTER.split("/")).without_checks(),
    description="Carry out one request that was approved, or go on with one that was begun.",
)


@dg.sensor(
    name="requests_waiting",
    job=job,
    minimum_interval_seconds=120,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def sensor(_context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A run for each request that can go on, the most urgent first, a few at a time."""
    found = look(shared_runtime(), now=datetime.now(UTC))
    if not found.waiting:
        return dg.SkipReason(
            f"no request waits to be carried out; {found.taken} were taken in, {found.wrong} cannot be"
        )
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=f"{name}:{attempts}",
                run_config={"ops": {"requests__register": {"config": {"request": name}}}},
                tags={"genuka/request": name},
            )
            for name, attempts in found.waiting
        ]
    )
