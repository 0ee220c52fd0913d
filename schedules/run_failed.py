"""Tells whoever watches that a run failed: a line in the alerts file, without a value of anyone.

A night that fails in silence is a promise broken in silence.
"""

import json

import dagster as dg

from genuka_pipelines.settings import load_settings


@dg.run_failure_sensor(name="run_failed", default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=30)
def sensor(context: dg.RunFailureSensorContext) -> None:
    """Append one JSON line per failed run: when, which job, which steps."""
    run = context.dagster_run
    steps = sorted({event.step_key for event in context.get_step_failure_events() if event.step_key})
    line = {"at": context.failure_event.timestamp, "job": run.job_name, "run": run.run_id, "steps": steps}
    file = load_settings().home / "alerts.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as alerts:
        alerts.write(json.dumps(line) + "\n")
    context.log.error(f"run {run.run_id} of job {run.job_name} failed in {', '.join(steps) or 'no step'}")
