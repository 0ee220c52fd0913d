"""Whose a row is, asked by a join or row by row: the same rows, each once, and of the same tenant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from genuka_pipelines.backups.capturing.whose import _one_at_most, whose
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.systems.column_types import PlainText
from genuka_pipelines.systems.dump import Dump
from tests.backups.taken import LINES, backed_house
from tests.servers import Kind

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def lines(dump: Dump, tenant: sa.ColumnElement[str], of: sa.FromClause | None = None) -> list[bytes]:
    """The order lines of a dump with what leads them, sorted."""
    return sorted(b"".join(dump.read("order_lines", tenant, of=of)).splitlines())


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_parent_is_joined_by_its_primary_key_alone(kind: Kind) -> None:
    with backed_house(kind) as house:
        house.run(LINES.insert().values([{"order_id": None, "label": "of nobody"}]))
        home = house.opened.homes(house.catalog, NOW).shared
        table = home.table("order_lines")
        with home.database.dump() as dump:
            shapes = dump.tables()
            asked = lines(dump, tenant_of(table))
            found = whose(table, shapes)
            assert found.of is not None
            assert lines(dump, found.tenant, found.of) == asked
            assert len(asked) == 33
            assert sum(line.startswith(b"\\N\t") for line in asked) == 1
            # A key that is not the primary one may be there twice, and would give a row twice.
            for key in ((), ("id", "company_id"), ("company_id",)):
                other = whose(table, {**shapes, "orders": replace(shapes["orders"], key=key)})
                assert other.of is None
                assert lines(dump, other.tenant) == asked
            assert whose(home.table("orders"), shapes).of is None


@pytest.mark.parametrize(
    ("mine", "key", "joined"),
    [
        (sa.BigInteger(), sa.BigInteger(), True),
        (PlainText(), PlainText(), True),
        (PlainText(collation="utf8mb4_bin"), PlainText(collation="utf8mb4_bin"), True),
        # Compared without regard to case, one value would find two keys.
        (PlainText(collation="utf8mb4_general_ci"), PlainText(collation="utf8mb4_bin"), False),
        (PlainText(native=False), PlainText(), False),
        (PlainText(), PlainText(native=False), False),
        (PlainText(), sa.BigInteger(), False),
        (sa.Numeric(), sa.Numeric(), False),
    ],
)
def test_only_what_compares_as_the_key_itself_is_joined(
    mine: sa.types.TypeEngine[object], key: sa.types.TypeEngine[object], joined: bool
) -> None:
    assert _one_at_most(sa.column("mine", mine), sa.column("key", key)) is joined
