"""Every ten minutes: a night that one region holds and another lacks is brought there; that one may have been down."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.catalog.backup import BACKUPS
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.runtime import shared_runtime
from schedules.backup_replication import job


@dg.sensor(
    name="snapshot_to_replicate",
    job=job,
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def sensor() -> dg.SensorResult | dg.SkipReason:
    """A run for each region and night that it lacks, asked for anew each hour until it is there."""
    # Loaded here, so that whoever opens the location need not wait for what only a night needs.
    from genuka_pipelines.backups.calendar import begun
    from genuka_pipelines.backups.nightly import lacking

    house, now = shared_runtime(), datetime.now(UTC)
    requests = [
        dg.RunRequest(
            run_key=f"{name} {backup} {now:%Y-%m-%dT%H}",
            partition_key=night_of(begun(backup)).isoformat(),
            asset_selection=[dg.AssetKey((BACKUPS + name).split("/"))],
        )
        for plan in house.catalog.backups.values()
        for name, nights in lacking(house, plan, now=now).items()
        for backup in nights
    ]
    if not requests:
        return dg.SkipReason("every region that answers lists every night")
    return dg.SensorResult(run_requests=requests)
