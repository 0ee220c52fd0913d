"""Every night at 04:20: the tables of a month that settled that day are released, and the catalogue is made anew."""

import dagster as dg

from schedules.settled import aggregation, settled_that_day
from schedules.zone import ZONE

job = aggregation("month")


@dg.schedule(
    name=job.name,
    job=job,
    cron_schedule="20 4 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each period that settled."""
    return settled_that_day("month", context.scheduled_execution_time)
