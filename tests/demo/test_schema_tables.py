"""The reference schema keeps the traps of the real one, in both dialects, from one definition."""

from __future__ import annotations

import pytest
from sqlalchemy import CHAR, TIMESTAMP, Dialect, Table
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.schema import CreateTable

from genuka_pipelines.demo.schema import tables_of

EVERY = [table for role in ("genuka", "genletter") for table in tables_of(role)]
ULID_KEYS = [table for table in EVERY if "id" in table.c and isinstance(table.c.id.type, CHAR)]
COUNTED = {
    "activity_log", "browser_logs", "company_onboardings", "media", "order_product", "page_views", "stock_warehouse",
}  # fmt: skip
WITHOUT_COMPANY = {
    "activity_log", "customer_shop", "media", "oauth_access_tokens", "order_product", "product_variants",
    "return_items", "services", "shop_user", "stock_warehouse", "taggables",
}  # fmt: skip


def named(name: str) -> Table:
    return next(table for table in tables_of("genuka") if table.name == name)


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
@pytest.mark.parametrize("dialect", [mysql.dialect(), postgresql.dialect()], ids=lambda dialect: dialect.name)
def test_a_table_compiles_without_a_zone_or_a_foreign_key(table: Table, dialect: Dialect) -> None:
    written = str(CreateTable(table).compile(dialect=dialect)).upper()
    assert "WITH TIME ZONE" not in written
    assert "FOREIGN KEY" not in written
    assert "TIMESTAMP(6)" not in written


def test_moments_are_nullable_and_second_precise() -> None:
    for table in EVERY:
        for column in table.columns:
            if isinstance(column.type, TIMESTAMP):
                assert column.nullable, f"{table.name}.{column.name}"
                written = column.type.compile(dialect=postgresql.dialect())
                assert written == "TIMESTAMP(0) WITHOUT TIME ZONE"


def test_keys_are_ulids_of_ascii_or_counted() -> None:
    assert {table.name for table in EVERY if table.autoincrement_column is not None} == COUNTED
    assert len(ULID_KEYS) > 35
    for table in ULID_KEYS:
        assert table.c.id.type.compile(dialect=mysql.dialect()).startswith("CHAR(26) CHARACTER SET ascii")


def test_the_tables_without_a_company_are_the_known_ones() -> None:
    tenant_tables = [*tables_of("tenant"), named("oauth_access_tokens")]
    assert {table.name for table in tenant_tables if "company_id" not in table.c} == WITHOUT_COMPANY


def test_session_recordings_are_as_the_design_says() -> None:
    assert list(named("session_recordings").c.keys()) == [
        "id", "company_id", "user_id", "distinct_id", "started_at", "ended_at", "delete_requested_at",
        "processed_at", "irrelevant_at",
    ]  # fmt: skip


def test_sessions_know_when_they_began_and_logs_do_not_know_who() -> None:
    assert {"last_activity", "created_at"} <= set(named("sessions").c.keys())
    assert not {"user_id", "session_id", "email"} & set(named("browser_logs").c.keys())


def test_every_path_of_a_sweep_has_an_index() -> None:
    for table in tables_of("genuka"):
        led = {next(iter(index.columns)).name for index in table.indexes}
        led |= {next(iter(table.primary_key.columns)).name}
        for column in ("company_id", "deleted_at"):
            assert column not in table.c or column in led, f"{table.name}.{column}"


def test_a_dedicated_database_has_the_tables_of_a_tenant_and_no_others() -> None:
    tenant = set(tables_of("tenant"))
    assert tenant < set(tables_of("genuka"))
    assert not {"companies", "users", "sessions", "job_applications"} & {table.name for table in tenant}
