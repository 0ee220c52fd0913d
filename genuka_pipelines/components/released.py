"""What Dagster shows of a table for analysts: its columns, whence each comes, and a release by its own figures.

Only what bears noise, or follows from the declaration alone, is shown: a count of rows beside a protected
figure would undo it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from genuka_pipelines.analytics.publishing.columns import wide_columns
from genuka_pipelines.catalog.published import AnonymisedTable

if TYPE_CHECKING:
    from genuka_pipelines.analytics.releases.release import Release

_BARS, _WIDTH = 12, 24


def columns_of(table: AnonymisedTable) -> tuple[dg.TableSchema, dict[str, list[str]]]:
    """The columns of the published table, and the staged columns that each is made of."""
    wide = wide_columns(table)
    schema = dg.TableSchema(
        columns=[dg.TableColumn(one.name, one.type.lower(), description=one.says.en) for one in wide]
    )
    lineage: dict[str, list[str]] = {name: [table.period.of] for name in ("period", "begins", "ends")}
    lineage |= {name: [dimension.of or name] for name, dimension in table.dimensions.items()}
    known = {one.name for one in wide}
    for name, measure in table.measures.items():
        made_of = list(dict.fromkeys([table.unit, *([measure.of] if measure.of else []), *table.when]))
        told = [one for one in known - set(lineage) if one == name or one.startswith(f"{name}_")]
        for one in told:
            lineage[one] = made_of
    return schema, {one.name: lineage[one.name] for one in wide if one.name in lineage}


def release_metadata(table: AnonymisedTable, release: Release) -> dict[str, Any]:
    """What a release cost, how large its error is, and its largest cells as bars."""
    manifest = release.manifest
    status = release.cells.column("status").to_pylist()
    errors = [
        dg.TableRecord({"figure": name, "noise": made.name, "error_95": made.error})
        for name, made in manifest.mechanisms.items()
    ]
    return {
        "period": manifest.period,
        "cells": len(status),
        "told": status.count("released"),
        "epsilon": manifest.epsilon,
        "delta": manifest.delta,
        "epsilon_of_the_year": manifest.spent.epsilon,
        "budget_of_the_year": manifest.spent.of.epsilon,
        "expected_error": dg.MetadataValue.table(errors),
        "chart": dg.MetadataValue.md(_chart(table, release)),
    }


def _chart(table: AnonymisedTable, release: Release) -> str:
    """The first measure of the largest cells: noisy figures, each with its interval."""
    first = next(iter(table.measures))
    rows = [row for row in release.cells.to_pylist() if row["status"] == "released" and row["measure"] == first]
    rows = sorted(rows, key=lambda row: row["value"], reverse=True)[:_BARS]
    if not rows:
        return "No cell has enough units to be told."
    most = max(rows[0]["value"], 1)
    lines = [
        f"{'█' * max(0, round(_WIDTH * row['value'] / most)):<{_WIDTH}} {row['value']:>12,.0f} "
        f"± {(row['ci95_high'] - row['ci95_low']) / 2:,.0f}  {' · '.join(row[name] for name in table.dimensions)}"
        for row in rows
    ]
    return "\n".join([table.measures[first].title.en, "", "```", *lines, "```"])
