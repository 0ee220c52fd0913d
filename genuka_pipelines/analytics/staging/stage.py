"""Stages a table: only what is declared of it, pseudonymised, one Parquet file for each shard.

Whatever a later analysis reads, it reads from here; a column that is not declared, or a tenant that did
not agree, has then never left its database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.analytics.errors import CannotStage
from genuka_pipelines.analytics.staging.columns import rows_of, staged_column
from genuka_pipelines.analytics.staging.generation import new_generation
from genuka_pipelines.analytics.staging.pseudonyms import NO_DAYS, DayKeys, PseudonymKeys, day_keys, day_of, message
from genuka_pipelines.analytics.staging.result import StagedTable
from genuka_pipelines.analytics.staging.shard_files import ShardFiles
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.shard import SHARDS, shard_name
from genuka_pipelines.catalog.staging import StagedColumn, Staging
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.path import Predicate, tenant_of
from genuka_pipelines.systems.column_types import Query
from genuka_pipelines.systems.snapshot import schema

if TYPE_CHECKING:
    import pyarrow as pa

_TENANT = "genuka_tenant"
ALL_SHARDS = range(SHARDS)


def stage(
    catalog: Catalog,
    key: str,
    name: str,
    databases: Databases,
    folder: Path,
    *,
    keys: PseudonymKeys,
    as_of: datetime,
    shards: Collection[int] = ALL_SHARDS,
) -> StagedTable:
    """Stage the table `name` of the category `key` under `folder/<product>/<name>/<shard>.parquet`.

    Each database is read once, in one snapshot of its own. A shard without rows has no file, save that
    an empty table has an empty `00.parquet`. With some `shards` only, the files of the others stay.
    Raises the error of a database that cannot be read, and CannotStage; the staged table of before then
    stays as it was.
    """
    category = catalog.categories[key]
    staging = category.tables[name].staging
    if staging is None or (category.role == "processor" and category.opt_in is None):
        raise CannotStage(f"'{name}' of {key} is not declared to be staged; give it staging, and tenants an opt_in")
    opt_in = category.opt_in if category.role == "processor" else None
    others = [f"{shard_name(shard)}.parquet" for shard in ALL_SHARDS if shard not in shards]
    made = _Made()
    with new_generation(folder / key.split("/")[0], name, keep=others) as generation:
        homes = databases.homes(catalog, as_of)
        expected = _schema(homes.shared.table(name), staging, keys)
        with ShardFiles(generation, expected, shards) as files:
            for table, within in homes.within(name, opted_in=opt_in):
                for batch in _read(table, staging, within, keys, as_of, made):
                    tenants = batch.column(batch.num_columns - 1)
                    files.write(_as(expected, batch.select(expected.names), table.home), tenants)
            written = files.finish()
    return StagedTable(tuple(staging.columns), written, tuple(dict.fromkeys(made.keys)), made.unkeyed)


@dataclass
class _Made:
    """What adds up over the databases."""

    keys: list[str] = field(default_factory=list)
    unkeyed: int = 0


def _read(
    table: DeclaredTable,
    staging: Staging,
    within: Predicate | None,
    keys: PseudonymKeys,
    as_of: datetime,
    made: _Made,
) -> Iterator[pa.RecordBatch]:
    """The staged rows of one database, with the key of their tenant as the last column."""
    rows: Query = sa.select().select_from(table.sql).where(rows_of(table, staging, within))
    with table.home.database.snapshot() as snapshot:
        days = NO_DAYS
        if any(column.way == "device_day" for column in staging.columns.values()):
            days = day_keys(snapshot, rows, day_of(table, staging), keys, as_of)
        columns = _columns(table, staging, keys, days, made)
        made.keys += days.ids
        made.unkeyed += days.unkeyed
        tenant = sa.type_coerce(tenant_of(table), sa.Text()).label(_TENANT)
        yield from snapshot.stream(rows.with_only_columns(*columns, tenant))


def _columns(
    table: DeclaredTable, staging: Staging, keys: PseudonymKeys, days: DayKeys, made: _Made
) -> list[sa.Label[Any]]:
    def keyed(column: StagedColumn) -> sa.ColumnElement[Any]:
        if column.way == "device_day":
            return days.device_day(table, day_of(table, staging), column.of)
        pads = keys.pads(staging.family, None)
        if pads is None:
            raise CannotStage(f"'{table.name}' has a pseudonym, and there is no key of the current epoch for it")
        made.keys.append(pads[0])
        return table.home.database.dialect.hmac_sha256(message(table, column.of), *pads[1:])

    return [staged_column(table, name, column, keyed).label(name) for name, column in staging.columns.items()]


def _schema(table: DeclaredTable, staging: Staging, keys: PseudonymKeys) -> pa.Schema:
    """The Arrow schema of a staged table, from what the shared database says of its columns."""
    return schema(sa.select(*_columns(table, staging, keys, NO_DAYS, _Made())))


def _as(expected: pa.Schema, batch: pa.RecordBatch, home: Home) -> pa.RecordBatch:
    if batch.schema != expected:
        raise CannotStage(
            f"{home.database.name} ({home.database.place}) has other column types than the shared database; "
            "bring its tables to the same version"
        )
    return batch
