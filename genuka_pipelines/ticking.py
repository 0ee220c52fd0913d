"""One tick of one sensor, and the runs that it asks for, here and now: `python -m genuka_pipelines.ticking SENSOR`.

What Dagster's daemon does by itself every few minutes, for a demo, a test, or a machine that has a timer and no daemon.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from genuka_pipelines.definitions import defs


def tick(sensor: str, instance: dg.DagsterInstance, config: dict[str, Any]) -> list[str]:
    """The ids of the runs that a sensor asked for, each run to its end; `config` is added to what each is given.

    A run key is honoured as the daemon does: what was run under it is not run again. A cursor is not kept.
    """
    repository = defs().get_repository_def()
    asking = repository.get_sensor_def(sensor)
    # By its reference, as the daemon has it: only then are partitions that the sensor asks for looked at.
    with dg.build_sensor_context(instance_ref=instance.get_ref(), repository_def=repository) as context:
        asked = asking.evaluate_tick(context)
    for request in asked.dynamic_partitions_requests or ():
        if isinstance(request, dg.AddDynamicPartitionsRequest):
            instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
    begun = []
    for run in asked.run_requests or ():
        known = {"dagster/sensor_name": sensor, "dagster/run_key": run.run_key or ""}
        if run.run_key and instance.get_runs(dg.RunsFilter(tags={**known}), limit=1):
            continue
        job = repository.get_job(run.job_name or str(asking.job_name))
        done = job.execute_in_process(
            instance=instance,
            run_config={**run.run_config, **config},
            partition_key=run.partition_key,
            tags={**run.tags, **known},
            asset_selection=list(run.asset_selection) if run.asset_selection else None,
            raise_on_error=False,
        )
        begun.append(done.run_id)
    return begun


def main() -> None:
    """Tick once; 1 where a run failed. A second argument names a file of run configuration, as JSON."""
    known = sorted(sensor.name for sensor in defs().get_repository_def().sensor_defs)
    sensor, *config = sys.argv[1:] or [""]
    if sensor not in known:
        sys.stderr.write(f"genuka: {sensor!r} is no sensor; valid are {', '.join(known)}\n")
        sys.exit(2)
    with dg.DagsterInstance.get() as instance:
        runs = tick(sensor, instance, json.loads(Path(config[0]).read_text(encoding="utf-8")) if config else {})
        failed = [run for run in runs if (found := instance.get_run_by_id(run)) is None or not found.is_success]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
