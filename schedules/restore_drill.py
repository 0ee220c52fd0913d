"""Every morning at 05:30: whose turn it is, is restored where nobody uses it, compared, and dropped again."""

import dagster as dg

from schedules.tonight import tonight
from schedules.zone import ZONE

job = dg.define_asset_job(
    "restore_drill",
    selection=dg.AssetSelection.assets(["backups", "drill"]),
    description="Restore a few backups out of one region alone, erase a row on purpose, and compare.",
)

schedule = dg.ScheduleDefinition(
    name="restore_drill",
    job=job,
    cron_schedule="30 5 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    execution_fn=tonight,
)
