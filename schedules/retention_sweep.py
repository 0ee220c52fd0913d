"""Every night at 03:15, after the backups have begun and before anything is staged: what is due goes."""

import dagster as dg

from genuka_pipelines.control.switches import RETENTION_SWEEP
from genuka_pipelines.runtime import shared_runtime
from schedules.zone import ZONE

job = dg.define_asset_job(
    "retention_sweep",
    selection=dg.AssetSelection.groups("retention"),
    description="Destroy what is due and look again. A dry run unless told otherwise: it records counts only.",
)

REALLY = {"ops": {"sweep": {"config": {"dry_run": False}}}}


@dg.schedule(
    name="retention_sweep",
    job=job,
    cron_schedule="15 3 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule() -> dg.RunRequest:
    """A real sweep once somebody switched it on; before that, a dry run that shows what it would do."""
    if shared_runtime().control.switches.on(RETENTION_SWEEP):
        return dg.RunRequest(run_config=REALLY)
    return dg.RunRequest(tags={"genuka/dry_run": "not switched on"})
