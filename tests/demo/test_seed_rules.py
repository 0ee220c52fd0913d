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
_ACCOUNT_RULES = ("accounts.closed_account", "accounts.unused")
SAYS_NOTHING = {("order_product", "customers.deleted_by_tenant")}
"""A line of an order that loses its shopper holds nothing of that person, so nothing is owed."""
NOT_PLANTED = {
    ("reviews", "customers.deleted_by_tenant"),
    *((table, rule) for table in ("chat_conversations", "chat_messages") for rule in _ACCOUNT_RULES),
}
"""Ends that hang on a row planted elsewhere; tests/rows shows that they follow it."""


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
    assert len(lines) > 100
    assert [line for line in lines if line.due] == []


def test_a_planted_seeding_owes_something_to_every_rule(planted_postgres: Place) -> None:
    lines = due(planted_postgres)
    owed = {(line.table, line.rule) for line in lines if line.due}
    assert {(line.table, line.rule) for line in lines} - owed <= SAYS_NOTHING | NOT_PLANTED
