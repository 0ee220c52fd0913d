"""Every night at 00:45: everyone is captured, and the night is brought into every region and looked at."""

import dagster as dg

from genuka_pipelines.catalog.zone import night_of
from schedules.zone import ZONE

job = dg.define_asset_job(
    "backup_replication",
    selection=dg.AssetSelection.groups("backups") - dg.AssetSelection.assets(["backups", "drill"]),
    description="Capture tonight, bring it into every region, and put every question to each.",
)


@dg.schedule(
    name="backup_replication",
    job=job,
    cron_schedule="45 0 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The partition is the day that has just begun, in Paris."""
    return dg.RunRequest(partition_key=night_of(context.scheduled_execution_time).isoformat())
