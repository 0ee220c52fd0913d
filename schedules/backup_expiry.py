"""Every morning at 06:00: epochs whose locks are over are destroyed, in each region, with a receipt in the ledger."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.components.resource import RESOURCE, House, one_sentence
from genuka_pipelines.control.switches import BACKUP_EXPIRY
from genuka_pipelines.runtime import shared_runtime
from schedules.zone import ZONE


@dg.op(required_resource_keys={RESOURCE}, description="Destroy what is over, and look again.")
def expire(context: dg.OpExecutionContext) -> None:
    """Every region of every plan; one that is down fails the run after the others."""
    from genuka_pipelines.backups.regions.ending import end_backups

    house: House = getattr(context.resources, RESOURCE)
    with one_sentence(**{"try": "genuka backup expire", "runbook": "docs/backups.md"}):
        runtime = house.runtime()
        for plan in runtime.catalog.backups.values():
            for name in plan.regions:
                for one in end_backups(runtime, plan, name, now=datetime.now(UTC)):
                    context.log.info(f"{one.region}: epoch {one.epoch.name} is gone, {one.objects} objects")


@dg.job(name="backup_expiry", description="Destroy backups that are over, once somebody switched it on.")
def job() -> None:
    """One step."""
    expire()


@dg.schedule(
    name="backup_expiry",
    job=job,
    cron_schedule="0 6 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule() -> dg.RunRequest | dg.SkipReason:
    """Nothing is destroyed before a person switched it on."""
    if not shared_runtime().control.switches.on(BACKUP_EXPIRY):
        return dg.SkipReason(f"the end of backups is not switched on: genuka go-live {BACKUP_EXPIRY}")
    return dg.RunRequest()
