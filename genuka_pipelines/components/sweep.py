"""The nightly sweep as assets: one per category, all of one step, so that children go before parents.

A dry run is the default, and records an observation: only a real sweep materialises.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from genuka_pipelines.catalog import sweep
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.keepers import RETENTION
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence
from genuka_pipelines.retention.sums import Sums, by_category, sums
from genuka_pipelines.words.rules import say_rules

ADVICE = {"try": "genuka retention plan", "runbook": "docs/retention.md"}
FRESH = dg.FreshnessPolicy.cron(
    deadline_cron="0 8 * * *", lower_bound_delta=timedelta(hours=6), timezone="Europe/Paris"
)


class SweepConfig(dg.Config):
    """What one run does: nothing is destroyed unless `dry_run` is false."""

    dry_run: bool = True


class RetentionSweep(FactComponent):
    """Everything whose period is over goes; what a hold or the law keeps stays, and is counted."""

    model = sweep.Sweep

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets `retention/<product>/<category>`."""
        return dg.Definitions(assets=[_swept(self.catalog, self.catalog.sweeps[self.key])])


def _swept(catalog: Catalog, declared: sweep.Sweep) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="sweep",
        can_subset=True,
        required_resource_keys={RESOURCE},
        specs=[_spec(catalog, key) for key in catalog.categories],
        description=declared.title.en,
    )
    def _sweep(context: dg.AssetExecutionContext, config: SweepConfig) -> Iterator[Any]:
        from genuka_pipelines.retention.sweeping import plan_sweep, sweep_due
        from genuka_pipelines.rows.destroying import Limits

        house: House = getattr(context.resources, RESOURCE)
        runtime, as_of = house.runtime(context.instance), house.moment()
        keys = {key.to_user_string().removeprefix(RETENTION): key for key in context.selected_asset_keys}
        with one_sentence(**ADVICE):
            if config.dry_run:
                found = plan_sweep(runtime, as_of=as_of, now=datetime.now(UTC), categories=keys)
            else:
                found = sweep_due(
                    runtime,
                    as_of=as_of,
                    clock=lambda: datetime.now(UTC),
                    categories=keys,
                    limits=Limits(rows=declared.rows, seconds=declared.minutes and declared.minutes * 60),
                    progress=lambda line: context.log.info(f"{line.category} {line.table}: {line.deleted} deleted"),
                )
        added = sums((*found.planned, *found.lines), by_category)
        for key in sorted(keys):
            metadata = {"as_of": as_of.isoformat(), **_shown(added.get(key, Sums()))}
            if config.dry_run:
                yield dg.AssetObservation(asset_key=keys[key], metadata=metadata)
            else:
                yield dg.MaterializeResult(asset_key=keys[key], metadata=metadata)
        if not config.dry_run:
            with one_sentence(**ADVICE):
                found.refuse_survivors()

    swept: dg.AssetsDefinition = _sweep
    return swept


def _spec(catalog: Catalog, key: str) -> dg.AssetSpec:
    declared = catalog.categories[key]
    said = say_rules(declared, catalog.vocabulary, "en")
    return dg.AssetSpec(
        ["retention", *key.split("/")],
        deps=[key.split("/")],
        group_name="retention",
        skippable=True,
        description="\n".join([f"What was swept of **{declared.title.en}** · {declared.title.fr}", "", *said]),
        kinds={"delete"},
        freshness_policy=FRESH,
        tags={"genuka/role": declared.role},
        metadata={"clauses": ", ".join(dict.fromkeys(rule.clause for _, rule in declared.rules)) or "none"},
    )


def _shown(added: Sums) -> dict[str, Any]:
    """Counts in fixed order; numbers, so that the UI draws them over time."""
    names = ("due", "deleted", "anonymised", "held", "kept_by_law", "survivors")
    counts = {name: getattr(added, name) for name in names}
    shown: dict[str, Any] = {name: "unknown" if number is None else number for name, number in counts.items()}
    shown["oldest"] = added.oldest.date().isoformat() if added.oldest else "none"
    if added.unknown:
        shown["unknown"] = " · ".join(dict.fromkeys(added.unknown))
    return shown
