"""Rows whose owner is no more go too, also where the server keeps no foreign key; and are explained so."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import Control
from genuka_pipelines.rows.above import above
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import Home, declarations
from genuka_pipelines.rows.ending import ORPHANS, endings_of
from genuka_pipelines.rows.explaining import explain, explained
from genuka_pipelines.rows.selection import Due
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, control, keyring
from tests.rows.market import FILES, LINES, ORDERS, TABLES, market
from tests.rows.shop import AS_OF, CONTENT, OURS, TENANTS, bound, catalog, category, plain
from tests.rows.shop import TABLES as SHOP_TABLES
from tests.systems.opened import fill, opened, run

__all__ = ["control"]
ORDER = "App\\Models\\Order"


@pytest.fixture
def stall(database: Database) -> Database:
    """A market with two orders, one of which was deleted, and a line of that one."""
    for table in TABLES:
        fill(database, table, [])
    deleted, kept = {"id": "o1", "deleted_at": plain(2026)}, {"id": "o2"}
    fill(database, ORDERS, [{"company_id": "a", "deleted_at": None, **one} for one in (deleted, kept)])
    fill(database, LINES, [{"id": 1, "order_id": "o1"}])
    return database


def lost(database: Database) -> dict[str, int | None]:
    """The rows, by table, that are due because their owner vanished."""
    lines = plan(Due(None, AS_OF), market(), Databases(database), as_of=AS_OF).lines
    return {line.table: line.erasable for line in lines if line.rule == ORPHANS}


def test_a_row_that_came_while_its_owner_went_does_not_stay_for_ever(stall: Database, control: Control) -> None:
    house = SmallHouse(market(), control, keyring(), Databases(stall))
    late: list[Any] = []

    def progress(line: Any) -> None:
        if line.table == "orders" and line.deleted and not late:
            late.append(line)
            # The application writes down a line of an order that it read a moment ago.
            run(
                stall,
                "INSERT INTO order_lines (id, order_id) VALUES (2, 'o1'), (3, 'o2'), (4, NULL)",
                sa.insert(FILES).values(id=7, model_type=ORDER, model_id="o1"),
                sa.insert(FILES).values(id=8, model_type="Else", model_id="o1"),
            )

    assert house.apply(progress=progress).survivors == 0
    assert late
    assert lost(stall) == {"order_lines": 1, "files": 1, "order_tag": 0}
    told = explain(house, "shop_database", "order_lines", "2", AS_OF)
    verdict = told.found[0].verdict
    assert (verdict.decided_by.why, verdict.decided_by.rule, verdict.erasable) == ("gone", ORPHANS, True)
    assert "To be deleted now: SH-01, the row it belongs to is no more" in explained(told, "en")[1]
    assert "la ligne à laquelle elle tient n'existe plus" in explained(told, "fr")[1]
    (kept,) = explain(house, "shop_database", "files", "8", AS_OF).found
    assert not kept.verdict.due, "it names no table of ours"
    outcome = house.apply()
    assert (outcome.deleted, outcome.survivors, outcome.complete) == (2, 0, True)
    left = {table.name: {row[0] for row in stall.rows(sa.select(stall.table(table.name).c.id))}
            for table in (LINES, FILES)}  # fmt: skip
    assert left == {"order_lines": {3, 4}, "files": {8}}


def test_an_empty_table_says_nothing_of_what_it_lost(stall: Database) -> None:
    fill(stall, ORDERS, [])
    assert lost(stall) == {"order_lines": 0, "files": 0, "order_tag": 0}


def test_where_the_server_keeps_the_key_nobody_looks_for_orphans(stall: Database) -> None:
    tied = "ALTER TABLE order_lines ADD CONSTRAINT tied FOREIGN KEY (order_id) REFERENCES orders (id)"
    run(stall, tied)
    try:
        assert ORPHANS not in endings_of(bound(stall, "order_lines", market()))
        assert set(lost(stall)) == {"files", "order_tag"}
    finally:
        word = "CONSTRAINT" if stall.dialect.name == "postgresql" else "FOREIGN KEY"
        run(stall, f"ALTER TABLE order_lines DROP {word} tied")


def test_a_copy_of_a_register_in_a_database_of_a_tenants_own_makes_no_orphans(database: Database) -> None:
    theirs = {**CONTENT["orders"], "ends_with": {"company_id": "delete"}}
    facts = catalog(ours=category(OURS), content=category({"orders": theirs}, role="processor"))
    known = declarations(facts, "shop_database")
    kind: Any = {"postgresql": "postgresql", "mysql": "mariadb"}[database.dialect.name]
    with opened(kind) as own:
        fill(own, SHOP_TABLES["companies"], [{"id": "another"}])
        fill(own, SHOP_TABLES["orders"], [{"id": "o1", "company_id": "own"}])
        shared = Home(database, known, TENANTS)
        home = Home(own, known, TENANTS, "own", shared)
        assert [way.may_lose for way in above(home.table("orders"))] == [False]
        assert [way.may_lose for way in above(Home(own, known, TENANTS).table("orders"))] == [True]
