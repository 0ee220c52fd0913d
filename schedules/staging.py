"""Every night at 04:00, before the analyses: what they may see is staged anew."""

import dagster as dg

from schedules.zone import ZONE

job = dg.define_asset_job(
    "staging",
    selection=dg.AssetSelection.groups("staging"),
    description="Stage the declared columns of the staged tables, pseudonymised, one Parquet file per shard.",
)

schedule = dg.ScheduleDefinition(
    name="staging",
    job=job,
    cron_schedule="0 4 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
