"""Every night at 00:15, before anything acts: every category is observed and every question asked."""

import dagster as dg

from schedules.zone import ZONE

job = dg.define_asset_job(
    "inspect",
    selection=dg.AssetSelection.all(include_sources=True)
    - dg.AssetSelection.groups("staging")
    - dg.AssetSelection.groups("systems", include_sources=True)
    | dg.AssetSelection.checks_for_assets(),
    description="Observe every data category and ask every question of it. Reads only.",
)

schedule = dg.ScheduleDefinition(
    name="inspect",
    job=job,
    cron_schedule="15 0 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
