"""The facts declare what the databases hold: every table, column and key, and none beyond."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, Table

from genuka_pipelines.control import tables as control_tables
from genuka_pipelines.control.schema import VERSION_TABLE
from genuka_pipelines.demo.schema import tables_of
from tests.catalog.facts import FACTS


def _schema(system: str) -> list[Table]:
    if system == "control_database":
        return [*control_tables.metadata.tables.values(), Table(VERSION_TABLE, MetaData())]
    return list(tables_of({"genuka_database": "genuka", "genletter_database": "genletter"}[system]))


def _declared(system: str) -> dict[str, set[str]]:
    return {name: set(table.columns) for _, name, table in FACTS.tables(system)}


@pytest.mark.parametrize("system", ["genuka_database", "genletter_database", "control_database"])
def test_every_table_and_column_is_declared_and_none_beyond(system: str) -> None:
    held = {table.name: {column.name for column in table.columns} for table in _schema(system)}
    declared = _declared(system)
    if system == "control_database":
        # The migrations' own table is made by their library, so no metadata lists its column.
        held[VERSION_TABLE] = {"version_num"}
    assert declared.keys() == held.keys()
    assert {name: declared[name] ^ held[name] for name in held if declared[name] != held[name]} == {}


@pytest.mark.parametrize("system", ["genuka_database", "genletter_database", "control_database"])
def test_the_declared_key_is_the_primary_key(system: str) -> None:
    wrong = {
        table.name: (declared.key, [column.name for column in table.primary_key])
        for table in _schema(system)
        if (declared := FACTS.table(system, table.name)) is not None
        and table.name != VERSION_TABLE
        and set(declared.key) != {column.name for column in table.primary_key}
    }
    assert wrong == {}


def test_a_dedicated_database_holds_what_customer_databases_declares() -> None:
    declared = set(FACTS.categories["genuka/customer_databases"].tables)
    assert declared == {table.name for table in tables_of("tenant")}


def test_both_spellings_of_every_polymorphic_owner_are_known() -> None:
    paths = [table.tenant for _, _, table in FACTS.tables() if table.tenant and table.tenant.owners]
    assert len(paths) == 2
    for path in paths:
        full = {owner.removeprefix("App\\Models\\").lower() for owner in path.owners if owner.startswith("App\\")}
        assert full == {owner for owner in path.owners if "\\" not in owner}
