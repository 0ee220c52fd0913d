"""Expectations name declared columns, hold no value of a person, and are ones that exist."""

from __future__ import annotations

import re

from tests.catalog.facts import FACTS


def test_expectations_name_declared_columns_and_hold_no_value_of_a_person() -> None:
    for key, name, table in FACTS.tables():
        for expected in table.expectations:
            assert set(expected.columns) <= set(table.columns), f"{key}:{name}"
            for word in expected.arguments.get("value_set", ()):
                assert re.fullmatch("[A-Za-z_]{2,20}", word), f"{key}:{name}"


def test_great_expectations_accepts_every_expectation() -> None:
    import great_expectations.expectations as gxe

    expected = [item for _, _, table in FACTS.tables() for item in table.expectations]
    for item in expected:
        getattr(gxe, "".join(word.capitalize() for word in item.expect.split("_")))(**item.arguments)
    assert len(expected) > 40
