"""The whole house in one place: facts, rhythm, the one resource, the executor. Nothing else."""

from functools import cache
from pathlib import Path

import dagster as dg

import assets
import schedules
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.components.resource import RESOURCE, House

_PROJECT = Path(__file__).parents[1]
_FACTS = Path(assets.__file__).parent


@dg.definitions
@cache
def defs() -> dg.Definitions:
    """Everything that Dagster shows and runs; a wrong fact is one sentence with file and line.

    Built once a process: one job asks for it five times.
    """
    catalog = load_catalog(_FACTS)
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=_PROJECT),
        dg.load_definitions_from_package_module(schedules),
        dg.Definitions(
            resources={RESOURCE: House()},
            executor=dg.in_process_executor,
            metadata={f"policy_{name}": policy.version for name, policy in catalog.policies.items()},
        ),
    )
