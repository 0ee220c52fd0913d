"""The staged form of a table: only declared columns, pseudonymised, one Parquet file per shard."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.analytics.staging.staged import stage_table
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.lineage import STAGING, parents_of, sources
from genuka_pipelines.components.observed import OWNER
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence


def staged_asset(catalog: Catalog, category: str, table: str) -> dg.AssetsDefinition:
    """`staging/<product>/<table>`, downstream of its category, with the lineage of every column."""
    declared = catalog.categories[category].tables[table]
    assert declared.staging is not None  # noqa: S101 - the caller asks only for staged tables
    product = category.split("/")[0]
    staging = declared.staging
    read = {column: sources(catalog, category, table, made.of) for column, made in staging.columns.items()}
    lineage = {
        column: [dg.TableColumnDep(dg.AssetKey(one.category.split("/")), str(one)) for one in made_of]
        for column, made_of in read.items()
    }
    rows = [
        dg.TableRecord({"column": column, "way": made.way, "from": ", ".join(map(str, read[column]))})
        for column, made in staging.columns.items()
    ]

    @dg.asset(
        key=dg.AssetKey(["staging", product, table]),
        deps=[parent.split("/") for parent in parents_of(catalog, f"{STAGING}{product}/{table}")],
        group_name="staging",
        description=f"What analyses may see of `{table}`, for the purpose `{staging.purpose}`.",
        owners=[OWNER],
        kinds={"parquet"},
        tags={"genuka/family": staging.family},
        code_version=declared.fingerprint,
        required_resource_keys={RESOURCE},
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(column, tags={"way": made.way}) for column, made in staging.columns.items()]
            ),
            "dagster/column_lineage": dg.TableColumnLineage(deps_by_column=lineage),
            "lineage": dg.MetadataValue.table(rows),
        },
    )
    def _stage(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(category=category, **{"try": "genuka doctor"}):
            staged = stage_table(house.runtime(), category, table, as_of=house.moment(), now=datetime.now(UTC))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": staged.rows,
                "shards": len(staged.files),
                "bytes": sum(file.bytes for file in staged.files),
                "columns": ", ".join(staged.columns),
            },
            data_version=dg.DataVersion(staged.digest),
        )

    return _stage
