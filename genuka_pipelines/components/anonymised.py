"""Tables for analysts as assets: a release for each period, then the catalogue that tells them all.

A release is drawn once; a run of a period that is there already finds it, and costs nothing.
"""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from genuka_pipelines.analytics.releases.calendar import period_of
from genuka_pipelines.analytics.releases.spec import spec_in
from genuka_pipelines.catalog import published
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.keepers import asked_of_tables
from genuka_pipelines.catalog.lineage import parents_of
from genuka_pipelines.catalog.published import ANALYTICS, CATALOGUE, AnalyticsCheck, Every
from genuka_pipelines.components.answered import answered, asks
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.observed import OWNER
from genuka_pipelines.components.released import columns_of, release_metadata
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence

ADVICE = {"try": "genuka analytics spend", "runbook": "docs/analysts.md"}
EVERY = "genuka/every"
"""The tag that says how often a table is released; the catalogue is made after any."""
ALARMS_ONLY = ("complete",)
"""What says no here does not stop what comes after it."""
_BEGINS = {"day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *", "quarter": "0 0 1 1,4,7,10 *"}


class AnonymisedTable(FactComponent):
    """A table of noisy cells, a release for each period."""

    model = published.AnonymisedTable

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset `analytics/<table>`, with its checks."""
        name = self.key.removeprefix(ANALYTICS)
        return dg.Definitions(assets=[_released(self.catalog, name)], asset_checks=_checks(self.catalog, self.key))


class Privacy(FactComponent):
    """What a unit of each kind may cost in a year, public lists of keys; and what all tables are published in."""

    model = published.Privacy

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset `analytics/catalogue`, with its check; nothing where no table is published."""
        if not self.catalog.published:
            return dg.Definitions()
        return dg.Definitions(assets=[_catalogue(self.catalog)], asset_checks=_checks(self.catalog, CATALOGUE))


def periods(every: Every, begins: date) -> dg.TimeWindowPartitionsDefinition:
    """The periods of a table, each named by its first day (UTC)."""
    start = datetime(begins.year, begins.month, begins.day, tzinfo=UTC)
    return dg.TimeWindowPartitionsDefinition(start=start, fmt="%Y-%m-%d", cron_schedule=_BEGINS[every], timezone="UTC")


def _released(catalog: Catalog, name: str) -> dg.AssetsDefinition:
    table, privacy = catalog.published[name], catalog.privacy
    assert privacy is not None  # noqa: S101 - facts without do not load
    every = table.period.every
    unit = privacy.units[table.protects]
    (staged,) = parents_of(catalog, ANALYTICS + name)
    source = dg.AssetKey(staged.split("/"))
    columns, lineage = columns_of(table)

    @dg.asset(
        key=["analytics", name],
        deps=[source],
        partitions_def=periods(every, privacy.begins),
        group_name="analytics",
        description="\n\n".join(
            [
                f"**{table.title.en}** · {table.title.fr}",
                f"{table.question.en} · {table.question.fr}",
                f"Protected: {unit.title.en.lower()}.",
                *([f"{table.caveat.en} · {table.caveat.fr}"] if table.caveat else []),
            ]
        ),
        owners=[OWNER],
        kinds={"parquet"},
        tags={EVERY: every, "genuka/family": unit.family, "genuka/unit": table.protects},
        code_version=spec_in(catalog, name),
        # One release of a class of units at a time: they draw on one budget.
        pool=f"analytics_{table.protects}",
        required_resource_keys={RESOURCE},
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
        metadata={
            "dagster/column_schema": columns,
            "dagster/column_lineage": dg.TableColumnLineage(
                {column: [dg.TableColumnDep(source, read) for read in reads] for column, reads in lineage.items()}
            ),
            "purpose": table.purpose,
            "epsilon_of_a_release": table.budget.epsilon,
            "epsilon_of_a_year": unit.year.epsilon,
            "clauses": ", ".join(table.clause) or "none",
        },
    )
    def _release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from genuka_pipelines.analytics.releases.once import release_once

        house: House = getattr(context.resources, RESOURCE)
        period = period_of(every, date.fromisoformat(context.partition_key))
        with one_sentence(**ADVICE):
            runtime = house.runtime()
            release = release_once(runtime, name, period, now=datetime.now(UTC), engine=runtime.settings.engine)
        return dg.MaterializeResult(
            metadata=release_metadata(table, release),
            data_version=dg.DataVersion(f"{release.slot.spec}-{release.slot.period}"),
        )

    return _release


def _catalogue(catalog: Catalog) -> dg.AssetsDefinition:
    @dg.asset(
        key=CATALOGUE.split("/"),
        deps=[["analytics", name] for name in catalog.published],
        group_name="analytics",
        description="What analysts open: every table of every release, a dictionary, a notebook, and the copy for "
        "BI tools where there is one.",
        owners=[OWNER],
        kinds={"duckdb"},
        tags={EVERY: "any"},
        # A DuckDB file has one writer.
        pool="analytics_catalogue",
        required_resource_keys={RESOURCE},
    )
    def _publish(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from genuka_pipelines.analytics.publishing.publish import publish

        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(**{**ADVICE, "try": "genuka analytics verify"}):
            found = publish(house.runtime(), now=datetime.now(UTC))
        return dg.MaterializeResult(
            metadata={"tables": len(found.tables), "objects": len(found.objects), "changed": found.changed}
        )

    return _publish


def _checks(catalog: Catalog, key: str) -> list[dg.AssetChecksDefinition]:
    return [_check(key, check, clauses) for asset, check, clauses in asked_of_tables(catalog) if asset == key]


def _check(key: str, check: AnalyticsCheck, clauses: tuple[str, ...]) -> dg.AssetChecksDefinition:
    def put(house: House, _: dg.DagsterInstance) -> Any:
        from genuka_pipelines.analytics.asking import ask

        return ask(house.runtime(), check, key, now=datetime.now(UTC))

    advice = {"clause": ", ".join(clauses) or "none", **ADVICE, "try": "genuka analytics verify"}
    return answered(key, check, put, title=asks("analytics", check), blocking=check not in ALARMS_ONLY, advice=advice)
