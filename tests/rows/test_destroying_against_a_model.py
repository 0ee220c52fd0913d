"""After a sweep exactly those rows are left that a model in plain Python leaves, on both servers."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import Control
from genuka_pipelines.control.bodies import Done, Planned
from genuka_pipelines.control.scopes import RowScope, SubjectScope, TenantScope
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.selection import Due, Hold, OfPerson, OfTenants, Rows
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, control, keyring, wall
from tests.rows.market import TABLES, Population, market
from tests.rows.shop import AS_OF

__all__ = ["control"]
VARIANTS = [("anonymise", "anonymise"), ("delete", "keep"), ("delete", "anonymise"), ("anonymise", "keep")]


def place(control: Control, hold: Hold) -> list[str]:
    scopes: list[Any] = []
    match hold.selection:
        case Rows(table=table, keys=keys):
            scopes = [RowScope(table, key, "shop_database") for key in keys]
        case OfPerson(keys=keys):
            scopes = [SubjectScope(keys)]
        case OfTenants(tenants=tenants):
            scopes = [TenantScope(tenant) for tenant in tenants]
    return [
        control.holds.add(
            scope, kind="hold", reason="legal_claim", reference="case-1", author="staff-1", now=wall(), keys=keyring()
        ).id
        for scope in scopes
    ]


def left(database: Database) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    for table in TABLES:
        keys = [column.name for column in table.primary_key]
        rows = [dict(row._mapping) for row in database.rows(sa.select(database.table(table.name)))]
        found[table.name] = {tuple(row[key] for key in keys): row for row in rows}
    return found


@pytest.mark.parametrize(("become", "meanwhile"), VARIANTS)
def test_exactly_the_rows_of_the_model_are_left(
    database: Database, control: Control, become: str, meanwhile: str, rounds: int, seed: int
) -> None:
    for turn in range(max(1, rounds // 25)):
        _one(database, control, become, meanwhile, seed + turn)


def _one(database: Database, control: Control, become: str, meanwhile: str, seed: int) -> None:
    people = Population(random.Random(seed), become, meanwhile)
    people.fill(database)
    facts = market(orders_become=become, meanwhile=meanwhile)
    databases = Databases(database)
    house = SmallHouse(facts, control, keyring(), databases)
    names = [one for hold in people.holds for one in place(control, hold)]
    start = control.ledger.head().seq
    try:
        planned = plan(Due(None, AS_OF), facts, databases, as_of=AS_OF, holds=people.holds)
        outcome = house.apply()
        after = plan(Due(None, AS_OF), facts, databases, as_of=AS_OF, holds=people.holds)
    finally:
        for name in names:
            control.holds.release(name, by="staff-1", now=wall())
    assert outcome.complete, outcome
    found, expected = left(database), Counter[str]()
    for table in TABLES:
        for row in people.rows[table.name]:
            key = tuple(row[column.name] for column in table.primary_key)
            fate = people.becomes(table.name, row)
            expected[fate] += 1
            now = found[table.name].get(key)
            assert (now is None) == (fate == "deleted"), (table.name, row, fate)
            if now is not None and fate == "anonymised":
                assert now.get("note") is None
                assert now.get("name") is None
                assert now.get("email", "") == ""
                assert now.get("profile") is None
                assert (now.get("handle") or "anon-").startswith("anon-")
            elif now is not None:
                assert {k: v for k, v in now.items() if not k.endswith("_at") and k != "profile"} == {
                    k: v for k, v in row.items() if not k.endswith("_at") and k != "profile"
                }, (table.name, fate)
    assert min(expected.values()) > 3, "every fate must be seen"
    assert outcome.survivors == 0
    assert (outcome.deleted, outcome.anonymised) == (expected["deleted"], expected["anonymised"])
    assert sum((line.erasable or 0) for line in planned.lines) >= expected["deleted"]
    assert [(line.erasable, line.anonymise) for line in after.lines] == [(0, 0)] * len(after.lines)
    bodies = [entry.body for entry in control.ledger.entries(start)]
    assert sum(body.count for body in bodies if isinstance(body, Done)) == outcome.deleted + outcome.anonymised
    assert sum(body.count for body in bodies if isinstance(body, Planned)) == outcome.deleted + outcome.anonymised
    assert control.ledger.open_intents() == ()
    assert control.ledger.verify().problems == ()
