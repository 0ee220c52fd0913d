"""An anonymised order keeps its lines and loses its files and tags, whoever asked: a rule, a person, a list."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import Control
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.selection import Due, Listed, OfPerson, Selection
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, control, keyring
from tests.rows.market import CUSTOMERS, FILES, LINES, ORDERS, TABLES, market
from tests.rows.shop import AS_OF, plain
from tests.systems.opened import fill

__all__ = ["control"]


def _listed() -> Selection:
    (digest,) = Hasher(keyring()).digests("customers", [("c1",)])
    return Listed(frozenset({digest.hex()}), *keyring().erasure.pads())


@pytest.mark.parametrize(
    "selection", [Due(None, AS_OF), OfPerson({"shopper": ("c1",)}), _listed()], ids=["due", "person", "listed"]
)
def test_what_ends_with_an_anonymised_order_ends(database: Database, control: Control, selection: Selection) -> None:
    for table in TABLES:
        fill(database, table, [])
    gone = {"company_id": "a", "email": "x@example.org", "billed_at": plain(2010), "deleted_at": plain(2026)}
    fill(database, CUSTOMERS, [{"id": "c1", "name": "A", **gone}, {"id": "c2", **gone, "deleted_at": None}])
    fill(database, ORDERS, [{"id": f"o{n}", "company_id": "a", "customer_id": f"c{n}", "note": "n"} for n in (1, 2)])
    fill(database, LINES, [{"id": n, "order_id": f"o{n}"} for n in (1, 2)])
    fill(database, FILES, [{"id": n, "model_type": "App\\Models\\Order", "model_id": f"o{n}"} for n in (1, 2)])
    outcome = SmallHouse(market(), control, keyring(), Databases(database)).apply(selection)
    assert (outcome.complete, outcome.survivors, outcome.deleted, outcome.anonymised) == (True, 0, 2, 1)
    assert _rows(database, CUSTOMERS, "id") == ["c2"]
    assert _rows(database, ORDERS, "id", "note", "customer_id") == [("o1", None, None), ("o2", "n", "c2")]
    assert _rows(database, LINES, "id") == [1, 2], "the order's lines are the tenant's accounts"
    assert _rows(database, FILES, "id") == [2], "its files name the person"


def _rows(database: Database, table: sa.Table, *columns: str) -> list[Any]:
    there = database.table(table.name)
    rows = database.rows(sa.select(*(there.c[name] for name in columns)).order_by(there.c.id))
    return [row[0] if len(columns) == 1 else tuple(row) for row in rows]
