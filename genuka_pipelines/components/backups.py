"""The nightly backup as assets: captured once, brought into each region, drilled; and the questions put to each.

A night that is over cannot be captured any more, and says so; its copies can be brought, and looked at.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from genuka_pipelines.catalog import backup
from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.backup import ASKED_OF, BackupCheck
from genuka_pipelines.catalog.backup import BackupPlan as Declared
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.zone import ZONE, night_of
from genuka_pipelines.components.answered import answered, asks
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence

NIGHTS = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone=ZONE, end_offset=1)
"""The day on which a night ends; today's is the last."""
FRESH = dg.FreshnessPolicy.cron(deadline_cron="0 8 * * *", lower_bound_delta=timedelta(hours=8), timezone=ZONE)
ADVICE = {"try": "genuka backup verify", "runbook": "docs/backups.md"}
ALARMS_ONLY = ("rows_plausible", "every_tenant_within_30_days")
"""What says no here does not stop what comes after it."""


class BackupPlan(FactComponent):
    """What is copied each night, and where to."""

    model = backup.BackupPlan

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets `backups/capture`, one for each region, and `backups/drill`, with their checks."""
        plan = self.catalog.backups[self.key]
        assets = [_captured(self.catalog, plan), *(_region(plan, name) for name in plan.regions), _drilled(plan)]
        checks = [_check(plan, check, key) for check in ASKED_OF for key in plan.assets_of(check)]
        return dg.Definitions(assets=assets, asset_checks=checks)


def _captured(catalog: Catalog, plan: Declared) -> dg.AssetsDefinition:
    @dg.asset(  # type: ignore[untyped-decorator]
        key=["backups", "capture"],
        deps=[
            key.split("/") for key, one in catalog.categories.items() if one.system in (*plan.databases, *plan.media)
        ],
        description=f"{plan.title.en}: every tenant and the platform, as they stood tonight.",
        kinds={"backup"},
        **_common(),
    )
    def _capture(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from genuka_pipelines.backups.capturing import capture
        from genuka_pipelines.backups.nightly import prepare_regions

        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(**ADVICE):
            refuse_past(context.partition_key, _now())
            runtime = house.runtime()
            told = _told(context, "{0} {1}: {2} rows")
            found = capture(runtime, plan, now=_now(), clock=_now, progress=told)
            prepare_regions(runtime, plan, now=_now())
        night = found.night
        if found.failed:
            reasons = sorted({str(error) for error in found.failed.values()})
            raise dg.Failure(
                f"{len(found.failed)} owners could not be captured: {' · '.join(reasons)}",
                metadata=dict(ADVICE),
                allow_retries=False,
            )
        return dg.MaterializeResult(
            metadata={
                "backup": found.backup,
                "region": found.region,
                "owners": len(night.owners),
                "changed": sum(state.captured for state in night.owners.values()),
                "rows": sum(night.rows.values()),
                "objects": found.objects,
                "bytes": found.bytes,
                "seconds": (night.finished - night.created).total_seconds(),
            },
            data_version=dg.DataVersion(found.backup),
        )

    captured: dg.AssetsDefinition = _capture
    return captured


def _region(plan: Declared, name: str) -> dg.AssetsDefinition:
    @dg.asset(  # type: ignore[untyped-decorator]
        key=["backups", name],
        deps=[["backups", "capture"], ["systems", plan.regions[name]]],
        description=f"What {name} holds of the night: brought up to the other regions, locked, looked at.",
        kinds={"s3"},
        pool=f"store_{name}",
        **_common(),
    )
    def _bring(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from genuka_pipelines.backups.nightly import bring, of_night

        house: House = getattr(context.resources, RESOURCE)
        began = _now()
        with one_sentence(**ADVICE):
            runtime = house.runtime()
            wanted = of_night(runtime, plan, context.partition_key, now=began)
            found = bring(runtime, plan, name, clock=_now, backups=wanted)
        metadata: dict[str, Any] = {
            "backup": wanted[-1],
            "objects": found.verified.objects,
            "bytes": found.verified.bytes,
            "copied": sum(one.copied for one in found.copied),
            "copied_bytes": sum(one.bytes for one in found.copied),
            "bad": len(found.verified.bad),
            "seconds": (_now() - began).total_seconds(),
        }
        if not found.whole:
            down = f"{' and '.join(found.down)} did not answer; " if found.down else ""
            lacking = sum(len(one.missing) + len(one.differing) for one in found.copied) + len(found.verified.bad)
            raise dg.Failure(
                f"{name} is degraded: {down}{lacking} objects are missing or bad", metadata={**metadata, **ADVICE}
            )
        return dg.MaterializeResult(metadata=metadata)

    brought: dg.AssetsDefinition = _bring
    return brought


def _drilled(plan: Declared) -> dg.AssetsDefinition:
    @dg.asset(  # type: ignore[untyped-decorator]
        key=["backups", "drill"],
        deps=[["backups", name] for name in plan.regions],
        description="Whose turn it is, restored out of one region alone, compared, and dropped again.",
        kinds={"backup"},
        **_common(),
    )
    def _drill(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from genuka_pipelines.backups.drills.tonight import drill_night

        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(**{**ADVICE, "try": "genuka backup drill"}):
            runtime = house.runtime()
            server = runtime.url(plan.scratch)
            found = drill_night(runtime, plan, server, clock=_now)
        failed = [one for one in found if not one.passed]
        metadata: dict[str, Any] = {
            "drilled": len(found),
            "rows": sum(one.rows for one in found),
            "slowest_seconds": max((one.seconds for one in found), default=0.0),
            "planted": sum(one.planted or 0 for one in found),
            "failed": len(failed),
        }
        if failed:
            why = " · ".join(sorted({one.failed or "it took longer than the objective" for one in failed}))
            raise dg.Failure(f"{len(failed)} drills failed: {why}", metadata={**metadata, **ADVICE})
        return dg.MaterializeResult(metadata=metadata)

    drilled: dg.AssetsDefinition = _drill
    return drilled


def _check(plan: Declared, check: BackupCheck, key: str) -> dg.AssetChecksDefinition:
    def put(house: House, _: dg.DagsterInstance) -> Answer:
        from genuka_pipelines.backups.asking import ask

        return ask(house.runtime(), plan, check, key, now=_now())

    advice = {"clause": ", ".join(plan.clauses.get(check, ())) or "none", **ADVICE}
    return answered(key, check, put, title=asks("backups", check), blocking=check not in ALARMS_ONLY, advice=advice)


def refuse_past(night: str, now: datetime) -> None:
    """A night that is over cannot be captured: what it was like nobody can read any more."""
    today = night_of(now).isoformat()
    if night != today:
        raise dg.Failure(
            f"the night of {night} cannot be captured on {today}: its copies can be brought and verified, or restored",
            allow_retries=False,
        )


def _common() -> dict[str, Any]:
    return {
        "group_name": "backups",
        "partitions_def": NIGHTS,
        "freshness_policy": FRESH,
        "required_resource_keys": {RESOURCE},
        "backfill_policy": dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
    }


def _told(context: dg.AssetExecutionContext, text: str) -> Any:
    return lambda *parts: context.log.info(text.format(*parts))


def _now() -> datetime:
    return datetime.now(UTC)
