"""The rules of the catalogue, asked of a seeding: nothing due in a fresh one, something for each in a planted one."""

from __future__ import annotations

from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.databases import open_databases
from genuka_pipelines.rows.plan import PlanLine
from genuka_pipelines.rows.selection import Due
from tests.demo.recipes import AS_OF
from tests.demo.seeding import Place, filled, place

CATALOG = load_catalog()
NOT_PLANTED = {("order_product", "customers.deleted_by_tenant")}
"""Nothing of a line of an order is blanked when its shopper goes, so nothing can be owed."""


def due(made: Place) -> list[PlanLine]:
    lines: list[PlanLine] = []
    for database in (GENUKA, GENLETTER):
        name = f"{database}_database"
        with open_databases(
            made.engines[database].url,
            name=name,
            tenants=CATALOG.systems[name].tenants,
            url_of=lambda ref: made.engines[ref].url,
        ) as databases:
            found = plan(Due(None, AS_OF), CATALOG, databases, as_of=AS_OF)
        assert found.complete
        lines += found.lines
    return lines


def test_a_fresh_seeding_owes_nothing() -> None:
    with place("postgresql", 12) as made:
        lines = due(filled(made))
    assert len(lines) > 150
    assert [line for line in lines if line.due] == []


def test_a_planted_seeding_owes_something_to_every_rule(planted_postgres: Place) -> None:
    lines = due(planted_postgres)
    owed = {(line.table, line.rule) for line in lines if line.due}
    assert {(line.table, line.rule) for line in lines} - owed == NOT_PLANTED
