"""The same answer through Dagster's job or the terminal: `GENUKA_TEST_THROUGH=dagster|terminal`, otherwise the rooms.

A story that holds only where the rooms are called directly would not be what support and the daemon see.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from genuka_pipelines.catalog.request import REGISTER
from genuka_pipelines.components.exports import REQUESTS
from genuka_pipelines.control.request import Request
from genuka_pipelines.exports import Recipient
from genuka_pipelines.requests.answering import Answer
from genuka_pipelines.requests.waking import EXPORT

if TYPE_CHECKING:
    from tests.scenarios.sweeping_world import World

THROUGH = os.environ.get("GENUKA_TEST_THROUGH", "rooms")


class NotCarriedOut(Exception):
    """What the job or the command said instead of an answer."""


def answered(world: World, request: Request, as_of: datetime, to: Recipient | None) -> Answer:
    """Carry out a request as `THROUGH` says, and read what the register has of it."""
    if THROUGH == "dagster":
        _by_job(world, request, as_of)
    else:
        _by_command(world, request, as_of, to)
    found = world.runtime.control.requests.get(request.id)
    return Answer(found, dict((found.result(world.runtime.keyring) or {}).get("done") or {}))


def _by_job(world: World, request: Request, as_of: datetime) -> None:
    from genuka_pipelines.definitions import defs

    config = {"resources": {"house": {"config": {"as_of": as_of.isoformat()}}}}
    repository = defs().get_repository_def()
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for name, value in world.env.items():
            patch.setenv(name, value)
        if request.kind == EXPORT:
            instance.add_dynamic_partitions(str(REQUESTS.name), [request.id])
            done = repository.get_job("tenant_export").execute_in_process(
                config, instance, partition_key=request.id, raise_on_error=False
            )
        else:
            config["ops"] = {REGISTER.replace("/", "__"): {"config": {"request": request.id}}}
            done = repository.get_job("answer_request").execute_in_process(config, instance, raise_on_error=False)
    if not done.success:
        (failed, *_) = done.get_step_failure_events() if hasattr(done, "get_step_failure_events") else done.all_events
        failure = failed.step_failure_data.user_failure_data
        raise NotCarriedOut(failure.description if failure else str(failed))


def _by_command(world: World, request: Request, as_of: datetime, to: Recipient | None) -> None:
    recipient = ["--recipient", to.age] if to is not None and to.age else []
    said = world.house.here("request", "run", request.id, "--as-of", as_of.isoformat(), "--json", *recipient)
    if said.code:
        raise NotCarriedOut(said.err)
