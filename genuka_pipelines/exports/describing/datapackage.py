"""The Data Package of an archive: types, primary and foreign keys, so that its CSV loads by itself elsewhere.

Source: Frictionless Data Package and Table Schema, version 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genuka_pipelines.exports.closure import Reference
    from genuka_pipelines.exports.tables import TableRead

_TYPES: Mapping[str, dict[str, str]] = {
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "timestamp": {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%S.%fZ"},
    "date": {"type": "date"},
}
FORMAT = 1
"""Raised when a reader of before could not read what is written now."""


def data_package(name: str, tables: Mapping[str, TableRead], references: Sequence[Reference]) -> dict[str, Any]:
    """The descriptor. Only references that hold for every row are foreign keys."""
    held = [one for one in references if not one.loose and not one.sometimes]
    return {
        "name": name,
        "profile": "data-package",
        "genuka_format": FORMAT,
        "resources": [_resource(table, [one for one in held if one.table == table.name]) for table in tables.values()],
    }


def resource_name(table: str) -> str:
    """A table's name in the characters that a Data Package allows."""
    return table.lower().replace("$", "-")


def _resource(table: TableRead, references: Sequence[Reference]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [
            {"name": one.name, **_TYPES.get(one.kind, {"type": "string"}), "database_type": one.declared}
            for one in table.fields
        ],
        "missingValues": [""],
    }
    if table.key:
        schema["primaryKey"] = list(table.key)
    if references:
        schema["foreignKeys"] = [
            {
                "fields": one.column.split(","),
                "reference": {
                    "resource": "" if one.parent == table.name else resource_name(one.parent),
                    "fields": one.key.split(","),
                },
            }
            for one in references
        ]
    return {
        "name": resource_name(table.name),
        "profile": "tabular-data-resource",
        "path": f"csv/{table.name}.csv.gz",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "compression": "gz",
        "parquet": f"parquet/{table.name}.parquet",
        "ndjson": f"ndjson/{table.name}.ndjson.gz",
        "category": table.category,
        "rows": table.rows,
        "schema": schema,
    }
