"""Every morning at 05:30: whose turn it is, is restored where nobody uses it, compared, and dropped again."""

import dagster as dg

from genuka_pipelines.catalog.zone import night_of
from schedules.zone import ZONE

job = dg.define_asset_job(
    "restore_drill",
    selection=dg.AssetSelection.assets(["backups", "drill"]),
    description="Restore a few backups out of one region alone, erase a row on purpose, and compare.",
)


@dg.schedule(
    name="restore_drill",
    job=job,
    cron_schedule="30 5 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The partition is the day that has begun, in Paris."""
    return dg.RunRequest(partition_key=night_of(context.scheduled_execution_time).isoformat())
