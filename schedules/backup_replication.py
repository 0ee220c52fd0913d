"""Every night at 00:45: everyone is captured, and the night is brought into every region and looked at."""

import dagster as dg

from schedules.tonight import tonight
from schedules.zone import ZONE

job = dg.define_asset_job(
    "backup_replication",
    selection=dg.AssetSelection.groups("backups") - dg.AssetSelection.assets(["backups", "drill"]),
    description="Capture tonight, bring it into every region, and put every question to each.",
)

schedule = dg.ScheduleDefinition(
    name="backup_replication",
    job=job,
    cron_schedule="45 0 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    execution_fn=tonight,
)
