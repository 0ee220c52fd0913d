"""Every few minutes: archives that tenants asked for and somebody approved, a few at a time."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.catalog.export import ARCHIVES
from genuka_pipelines.components.exports import REQUESTS
from genuka_pipelines.requests.waking import exports_waiting
from genuka_pipelines.runtime import shared_runtime

job = dg.define_asset_job(
    "tenant_export",
    selection=dg.AssetSelection.assets(ARCHIVES.split("/")),
    partitions_def=REQUESTS,
    description="Make, prove and deliver the archive that one request is for.",
)


@dg.sensor(
    name="exports_waiting",
    job=job,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """A run for each archive that can be made now, under the name of its request; the cursor counts those begun."""
    found = exports_waiting(shared_runtime(), now=datetime.now(UTC))
    if not found:
        return dg.SkipReason("no archive waits to be made")
    begun = int(context.cursor or 0) + len(found)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{name}:{tries}", partition_key=name) for name, tries in found],
        dynamic_partitions_requests=[REQUESTS.build_add_request([name for name, _ in found])],
        cursor=str(begun),
    )
