"""Every night at 00:15, before anything acts: every category is observed and every question asked."""

import dagster as dg

from schedules.zone import ZONE

_NOT_OBSERVED = dg.AssetSelection.groups(
    "staging", "analytics", "retention", "backups", "requests", "exports", "evidence", "systems", include_sources=True
)
_ASKED_ELSEWHERE = (
    dg.AssetSelection.checks_for_assets(["evidence", "ledger"])
    | (dg.AssetSelection.groups("backups") - dg.AssetSelection.groups("backups").without_checks())
    # Made anew after every release, and looked at then.
    | dg.AssetSelection.checks_for_assets(["analytics", "catalogue"])
)

job = dg.define_asset_job(
    "inspect",
    selection=(dg.AssetSelection.all(include_sources=True) - _NOT_OBSERVED)
    | (dg.AssetSelection.all_asset_checks() - _ASKED_ELSEWHERE),
    # What is overdue is asked here as well as after a sweep: a dry run makes nothing that a check could follow.
    description="Observe every data category and ask every question of it. Reads only.",
)

schedule = dg.ScheduleDefinition(
    name="inspect",
    job=job,
    cron_schedule="15 0 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
