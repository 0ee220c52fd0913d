"""The register of requests as an asset, answered by a job of its own, one run for each request.

A run is named by the request's opaque id: who asks is nowhere in Dagster.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from genuka_pipelines.catalog import request
from genuka_pipelines.catalog.request import REGISTER, RequestCheck
from genuka_pipelines.components.answered import answered, asks
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence

ADVICE = {"try": "genuka request list", "runbook": "docs/requests.md"}
CHECKS: tuple[RequestCheck, ...] = ("answered_in_time", "nothing_left")


class Answering(dg.Config):
    """Which request; without one, the register is counted."""

    request: str = ""


class RequestPlan(FactComponent):
    """How requests of people and tenants are answered."""

    model = request.RequestPlan

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset `requests/register`, with its checks."""
        plan = self.catalog.requests[self.key]

        @dg.asset(
            key=self.key.split("/"),
            deps=[
                key.split("/")
                for key, one in self.catalog.categories.items()
                if one.role == "controller" and one.tables
            ],
            group_name="requests",
            description=f"{plan.title.en}: one request carried out, or the register counted.",
            kinds={"table"},
            required_resource_keys={RESOURCE},
        )
        def _register(context: dg.AssetExecutionContext, config: Answering) -> dg.MaterializeResult[None]:
            from genuka_pipelines.requests.answering import answer

            house: House = getattr(context.resources, RESOURCE)
            shown: dict[str, Any] = {}
            with one_sentence(**ADVICE):
                runtime = house.runtime()
                if config.request:
                    done = answer(runtime, plan, config.request, as_of=house.moment(), clock=lambda: datetime.now(UTC))
                    numbers = {name: value for name, value in done.done.items() if isinstance(value, int)}
                    shown = {"request": done.request.id, "status": done.request.status, **numbers}
                return dg.MaterializeResult(
                    metadata={**shown, **{str(one): n for one, n in runtime.control.requests.count().items()}}
                )

        return dg.Definitions(assets=[_register], asset_checks=[_check(check) for check in CHECKS])


def _check(check: RequestCheck) -> dg.AssetChecksDefinition:
    def put(house: House, _: dg.DagsterInstance) -> Any:
        from genuka_pipelines.requests.asking import ask

        return ask(house.runtime(), check, as_of=house.moment(), now=datetime.now(UTC))

    return answered(REGISTER, check, put, title=asks("requests", check), blocking=True, advice=ADVICE)
