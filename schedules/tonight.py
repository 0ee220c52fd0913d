"""What a schedule asks for whose job is about one night: the partition is the day that has begun, in Paris."""

import dagster as dg

from genuka_pipelines.catalog.zone import night_of


def tonight(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for tonight."""
    return dg.RunRequest(partition_key=night_of(context.scheduled_execution_time).isoformat())
