"""Has any table far fewer rows than the night before? The backup of an emptied table is a true copy of a disaster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.regions import nights
from genuka_pipelines.catalog.answer import Answer, none_found
from genuka_pipelines.catalog.expectation import Expectation


def ask(asked: Asked) -> Answer:
    """No where a table kept less than the plan's share of its rows, or vanished: each by name."""
    found = nights.headers(asked.region, verify=asked.house.keyring.verify, now=asked.now)
    two = [asked.night(header.backup) for header in islice(found, 2)]
    if not two:
        return Answer(passed=False, counts={"nights": 0}, notes=("no night was captured yet",))
    left = shares(two[0].rows, two[-1].rows, few=asked.plan.few_rows)
    arguments = {"column": "left", "min_value": asked.plan.fewer_rows}
    expected = Expectation(expect="expect_column_values_to_be_between", arguments=arguments)
    unmet = asked.house.unmet({"table": list(left), "left": list(left.values())}, expected) if left else 0
    fallen = {name: 1 for name, share in left.items() if share < asked.plan.fewer_rows}
    # A warning: the backup is a true copy, and it may be that somebody meant it.
    return replace(none_found({**fallen, **two[0].suspicious, "unmet": unmet}), severity="warn")


def shares(after: Mapping[str, int], before: Mapping[str, int], *, few: int) -> dict[str, int]:
    """What is left of each table in percent, rounded down; of those that had more than `few` rows."""
    return {name: 100 * after.get(name, 0) // rows for name, rows in before.items() if rows > few}
