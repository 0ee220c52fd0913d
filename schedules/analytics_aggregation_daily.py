"""Every night at 04:30: the tables of the day that settled are released, and the catalogue is made anew.

Last of the four, so that the catalogue is looked at once all of the night is released.
"""

import dagster as dg

from schedules.settled import aggregation, settled_that_day
from schedules.zone import ZONE

job = aggregation("day")


@dg.schedule(
    name=job.name,
    job=job,
    cron_schedule="30 4 * * *",
    execution_timezone=ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each period that settled."""
    return settled_that_day("day", context.scheduled_execution_time)
