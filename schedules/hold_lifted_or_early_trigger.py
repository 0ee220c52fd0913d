"""Every quarter of an hour: what may go before the night goes, and what a lifted hold kept goes too."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.control.switches import RETENTION_SWEEP
from genuka_pipelines.retention.waking import Seen, look
from genuka_pipelines.runtime import shared_runtime
from schedules.retention_sweep import REALLY, job


@dg.sensor(
    name="hold_lifted_or_early_trigger",
    job=job,
    minimum_interval_seconds=900,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A real sweep of the categories that have something to end now; of all of them after a hold was lifted."""
    house, now = shared_runtime(), datetime.now(UTC)
    if not house.control.switches.on(RETENTION_SWEEP):
        return dg.SkipReason(f"sweeps are not switched on: genuka go-live {RETENTION_SWEEP}")
    found = look(house, Seen.read(context.cursor), as_of=now, now=now)
    for reason in found.unknown:
        context.log.warning(reason)
    cursor = found.seen.written()
    if not (found.lifted or found.categories):
        return dg.SensorResult(skip_reason="nothing ends early, and no hold was lifted", cursor=cursor)
    keys = [dg.AssetKey(["retention", *key.split("/")]) for key in found.categories]
    request = dg.RunRequest(run_config=REALLY, asset_selection=None if found.lifted else keys)
    return dg.SensorResult(run_requests=[request], cursor=cursor)
