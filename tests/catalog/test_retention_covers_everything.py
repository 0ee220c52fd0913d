"""Every table that holds personal data is swept, or exempt in writing; so is every file, and every deleted row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genuka_pipelines.catalog.links.endings import tables_named
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.catalog.vocabulary import is_personal
from tests.catalog.facts import FACTS

EXEMPT: dict[tuple[str, str], str] = {}
"""(system, table) that no rule ends, with the clause that allows it. There is none."""

TABLES = {
    (category.system, name): (category, table)
    for category in FACTS.categories.values()
    for name, table in category.tables.items()
}


def ended_by(system: str, name: str) -> Iterator[tuple[str, str]]:
    """Every (table, rule) that ends rows of a table, through whatever they end with."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        category, table = TABLES[system, here]
        yield from ((here, rule.name or rule.clause) for rule in category.rules_of(here))
        waiting += goes_with(system, table)


def goes_with(system: str, table: Table) -> Iterator[str]:
    declared = {name: found for (place, name), (_, found) in TABLES.items() if place == system}
    if table.kept_with:
        yield table.kept_with
    for column, becomes in table.ends_with.items():
        if becomes == "delete":
            yield from tables_named(column, table, declared)


def personal(table: Table) -> bool:
    return any(is_personal(column.holds) for column in table.columns.values())


def test_every_table_that_holds_personal_data_is_swept_or_exempt_with_a_clause() -> None:
    held = {place for place, (_, table) in TABLES.items() if personal(table)}
    assert len(held) > 40
    swept = {place for place in held if any(ended_by(*place))}
    assert held - swept == EXEMPT.keys()
    assert {place: clause for place, clause in EXEMPT.items() if clause not in FACTS.clauses} == {}


def test_every_other_table_ends_as_well() -> None:
    assert {place for place in TABLES if not any(ended_by(*place))} == EXEMPT.keys()


@pytest.mark.parametrize(
    ("place", "lost"),
    [
        (("genuka_database", "contact_requests"), "contact_requests"),
        (("genletter_database", "accounts"), "user_profiles"),
    ],
)
def test_without_its_rule_a_table_would_be_found(
    monkeypatch: pytest.MonkeyPatch, place: tuple[str, str], lost: str
) -> None:
    category, table = TABLES[place]
    ruleless = table.model_copy(update={"retention": ()})
    without = category.model_copy(update={"tables": {**category.tables, place[1]: ruleless}})
    monkeypatch.setitem(TABLES, place, (without, ruleless))
    assert not any(ended_by(place[0], lost))


def test_every_row_that_can_be_marked_as_deleted_is_purged() -> None:
    marked = {place for place, (_, table) in TABLES.items() if "deleted_at" in table.columns}
    purged = {
        place
        for place, (_, table) in TABLES.items()
        for rule in table.retention
        if "deleted_at" in rule.since.of and rule.deleted_by
    }
    assert len(marked) == 14
    assert marked == purged


def test_every_file_ends_with_a_row_that_ends_or_by_its_age() -> None:
    lost = []
    for category in FACTS.categories.values():
        for objects in category.objects:
            rows = [(system, name) for system, name in TABLES if name == objects.kept_with]
            if not objects.keep and not all(any(ended_by(*place)) for place in rows):
                lost.append(objects.prefix)
            if objects.kept_with:
                assert any(TABLES[place][1].content for place in rows), objects.kept_with
    assert lost == []


def test_a_former_tenant_leaves_nothing_in_its_space() -> None:
    category = FACTS.categories["genuka/customer_databases"]
    for name in category.tables:
        assert "subscription_over" in {rule for _, rule in ended_by(category.system, name)}, name
