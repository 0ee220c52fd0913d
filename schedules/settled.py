"""What the four aggregations have in common: their jobs, and which periods settle on a day.

A period is complete some days after its end, which each table declares; so every rhythm looks each night, and
a month is released on the night on which it settles, not on the first.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from genuka_pipelines.analytics.releases.calendar import last_complete, settled_at, span
from genuka_pipelines.catalog.published import ANALYTICS, CATALOGUE, NAMED, Every
from genuka_pipelines.components.anonymised import EVERY
from genuka_pipelines.runtime import shared_runtime


def aggregation(every: Every) -> Any:
    """The job of a rhythm: its tables, then the catalogue. A table that is declared tomorrow joins by itself."""
    made = dg.AssetSelection.tag(EVERY, every) | dg.AssetSelection.tag(EVERY, "any")
    return dg.define_asset_job(
        job_name(every),
        selection=dg.AssetSelection.groups("analytics") & made,
        description=f"Release every table of a {every} for one period, and publish the catalogue.",
    )


def job_name(every: Every) -> str:
    """`analytics_aggregation_daily`, for a day."""
    return f"analytics_aggregation_{NAMED[every]}"


def settled_that_day(every: Every, at: datetime) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each period that settled on the day (UTC) of `at`, with the tables that it is complete for."""
    found: dict[str, list[str]] = {}
    for name, table in shared_runtime().catalog.published.items():
        if table.period.every == every:
            period = last_complete(every, table.settles, at)
            if settled_at(period, table.settles).date() == at.astimezone(UTC).date():
                found.setdefault(period, []).append(name)
    if not found:
        return dg.SkipReason(f"no period of a {every} settles today")
    return [released(period, names) for period, names in found.items()]


def released(period: str, names: list[str], **options: Any) -> dg.RunRequest:
    """A run that releases a period of some tables, all of one rhythm."""
    keys = [dg.AssetKey((ANALYTICS + name).split("/")) for name in names]
    return dg.RunRequest(
        partition_key=span(period)[0].isoformat(),
        asset_selection=[*keys, dg.AssetKey(CATALOGUE.split("/"))],
        tags={"genuka/period": period},
        **options,
    )
