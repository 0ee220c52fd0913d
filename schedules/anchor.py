"""Every morning at 06:15: the ledger's signed head goes into both backup stores, and the chain is verified."""

import dagster as dg

from schedules.zone import ZONE

job = dg.define_asset_job(
    "anchor",
    selection=dg.AssetSelection.assets(["evidence", "ledger"]),
    description="Anchor the ledger's head in both backup stores and verify the whole chain.",
)

schedule = dg.ScheduleDefinition(
    name="anchor",
    job=job,
    cron_schedule="15 6 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
