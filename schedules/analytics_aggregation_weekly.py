"""Every night at 04:25: the tables of a week that settled that day are released, and the catalogue is made anew."""

import dagster as dg

from schedules.settled import aggregation, settled_that_day
from schedules.zone import ZONE

job = aggregation("week")


@dg.schedule(
    name=job.name,
    job=job,
    cron_schedule="25 4 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each period that settled."""
    return settled_that_day("week", context.scheduled_execution_time)
