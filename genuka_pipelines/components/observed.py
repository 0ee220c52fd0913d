"""Observes a category: rows, the oldest row, what is due, and the declared columns with their tags.

It is never materialised, so a click in the UI can only look.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.vocabulary import is_direct_identifier, is_personal
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence
from genuka_pipelines.quality.inspection import Inspection, inspect_category
from genuka_pipelines.words.rules import say_rules

OWNER = "team:data-protection"


def observed_asset(catalog: Catalog, key: str) -> dg.AssetsDefinition:
    """The observable asset of a category, downstream of the systems that hold it."""
    declared = catalog.categories[key]
    product, name = key.split("/")
    asset_key = dg.AssetKey([product, name])

    @dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
        name=f"observe_{product}_{name}",
        required_resource_keys={RESOURCE},
        specs=[
            dg.AssetSpec(
                asset_key,
                deps=[["systems", system] for system in _systems(declared)],
                group_name=product,
                description=_description(catalog, declared),
                owners=list(declared.owners) or [OWNER],
                kinds={_kind(catalog, declared)},
                tags=_tags(declared),
                metadata=_metadata(catalog, key, declared),
                code_version=declared.fingerprint,
            )
        ],
    )
    def _observe(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        house: House = getattr(context.resources, RESOURCE)
        with one_sentence(category=key, **{"try": "genuka doctor"}):
            found = inspect_category(
                house.runtime(), key, as_of=house.moment(), now=datetime.now(UTC), runs=context.instance.get_runs_count
            )
        yield dg.ObserveResult(
            asset_key=asset_key,
            data_version=dg.DataVersion(found.digest),
            metadata=observation_metadata(found),
        )

    observed: dg.AssetsDefinition = _observe
    return observed


def observation_metadata(found: Inspection) -> dict[str, Any]:
    """What the UI shows of an observation, in fixed order; counts and dates only."""
    tables = [
        dg.TableRecord({"table": name, "rows": "unknown" if rows is None else rows})
        for name, rows in found.rows.items()
    ]
    due = [dg.TableRecord({"rule": rule, "due": "unknown" if n is None else n}) for rule, n in found.due.items()]
    metadata: dict[str, Any] = {"as_of": found.as_of.isoformat()}
    if found.total is not None:
        metadata["dagster/row_count"] = found.total
    metadata["oldest"] = found.oldest.isoformat() if found.oldest else "none"
    if tables:
        metadata["rows"] = dg.MetadataValue.table(tables)
    if due:
        metadata["due"] = dg.MetadataValue.table(due)
    metadata["undeclared"] = ", ".join(found.undeclared) or "none"
    metadata["unknown"] = ", ".join(found.unknown) or "none"
    return metadata


def _systems(declared: Category) -> list[str]:
    contents = [table.content.system for table in declared.tables.values() if table.content]
    return list(dict.fromkeys([declared.system, *(objects.system for objects in declared.objects), *contents]))


def _kind(catalog: Catalog, declared: Category) -> str:
    return {"database": "database", "store": "s3", "run_storage": "dagster"}.get(
        catalog.systems[declared.system].kind, "file"
    )


def _tags(declared: Category) -> dict[str, str]:
    return {"genuka/role": declared.role, "genuka/source": declared.source}


def _description(catalog: Catalog, declared: Category) -> str:
    said = say_rules(declared, catalog.vocabulary, "en")
    lines = [f"**{declared.title.en}** · {declared.title.fr}"]
    if declared.description:
        lines.append(declared.description.en)
    return "\n\n".join([*lines, "\n".join(said)]) if said else "\n\n".join(lines)


def _metadata(catalog: Catalog, key: str, declared: Category) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            f"{table}.{column}",
            tags={
                "classification": held.holds,
                **({"pii": "direct" if is_direct_identifier(held.holds) else "yes"} if is_personal(held.holds) else {}),
            },
        )
        for table, found in declared.tables.items()
        for column, held in found.columns.items()
    ]
    file = catalog.files[key]
    metadata: dict[str, Any] = {
        "dagster/code_references": dg.CodeReferencesMetadataValue(
            code_references=[dg.LocalFileCodeReference(file_path=str(file.path), line_number=1, label=file.shown)]
        ),
        "purposes": ", ".join(declared.purposes),
        "legal_basis": ", ".join(declared.legal_basis),
        "law": ", ".join(declared.law),
        "subjects": ", ".join(declared.subjects),
        "clauses": ", ".join(declared.clauses) or "none",
    }
    if columns:
        metadata["dagster/column_schema"] = dg.TableSchema(columns=columns)
    return metadata
