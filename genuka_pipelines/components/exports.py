"""Tenants' archives as an asset: one partition for each request, named by its opaque id.

Whose archive it is stands in the register of requests alone; a partition that named a company would tell who leaves.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from genuka_pipelines.catalog import export
from genuka_pipelines.catalog.export import ARCHIVES, ExportCheck
from genuka_pipelines.components.answered import answered, asks
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence

ADVICE = {"try": "genuka export list", "runbook": "docs/exports.md"}
CHECKS: tuple[ExportCheck, ...] = ("reimports_identically", "one_tenant_only")
REQUESTS = dg.DynamicPartitionsDefinition(name="tenant_exports")
"""The requests of tenants for their data, by their ids."""


class ExportPlan(FactComponent):
    """The archives that tenants ask for."""

    model = export.ExportPlan

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset `exports/tenant_archive`, with its checks."""
        plan = self.catalog.exports[self.key]
        held = [
            key.split("/") for key, one in self.catalog.categories.items() if one.role == "processor" and one.tables
        ]

        @dg.asset(
            key=self.key.split("/"),
            deps=held,
            group_name="exports",
            partitions_def=REQUESTS,
            description=f"{plan.title.en}: read, packed, loaded again and compared, sealed for the tenant's key.",
            kinds={"archive"},
            required_resource_keys={RESOURCE},
        )
        def _archive(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            from genuka_pipelines.requests.answering import answer

            house: House = getattr(context.resources, RESOURCE)
            with one_sentence(**ADVICE):
                runtime = house.runtime()
                register = next(iter(runtime.catalog.requests.values()))
                done = answer(
                    runtime, register, context.partition_key, as_of=house.moment(), clock=lambda: datetime.now(UTC)
                )
            numbers = {name: value for name, value in done.done.items() if isinstance(value, int)}
            return dg.MaterializeResult(metadata={"status": done.request.status, **numbers})

        return dg.Definitions(assets=[_archive], asset_checks=[_check(check) for check in CHECKS])


def _check(check: ExportCheck) -> dg.AssetChecksDefinition:
    def put(house: House, _: dg.DagsterInstance) -> Any:
        from genuka_pipelines.exports.asking import ask

        return ask(house.runtime(), check, now=datetime.now(UTC))

    return answered(ARCHIVES, check, put, title=asks("exports", check), blocking=True, advice=ADVICE)
