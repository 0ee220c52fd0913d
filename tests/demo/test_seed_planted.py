"""Every forbidden thing is where the seeding says, and can be found there."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select

from genuka_pipelines.demo.seed import Planted
from genuka_pipelines.demo.seed.plant.cards import check_digit, numbers
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA
from tests.demo.recipes import AS_OF, table_of
from tests.demo.seeding import Place

KINDS = {
    "address_not_needed", "card_expiry", "card_number", "card_security_code", "card_track", "cross_tenant",
    "ethnic_origin", "offer_stage", "overdue", "plain_password", "political_opinion", "religious_belief", "sex_life",
    "undeclared_column", "undeclared_table", "union_membership", "weak_password_hash", "without_tenant",
}  # fmt: skip
SEEN_BY_DETECTORS = {kind for kind in KINDS if kind.startswith("card_") or "password" in kind} | {
    "ethnic_origin", "political_opinion", "religious_belief", "sex_life", "union_membership",
}  # fmt: skip


def things(planted: Place) -> list[Planted]:
    assert planted.seeded
    return planted.seeded.planted


def value_of(planted: Place, thing: Planted) -> Any:
    table = table_of(thing.system, thing.table)
    key = next(iter(table.primary_key.columns))
    wanted: str | int = int(thing.key) if table.autoincrement_column is not None else thing.key
    with planted.engines[thing.system].connect() as connection:
        rows = connection.execute(select(table.c[thing.column]).where(key == wanted)).all()
    assert rows, thing
    return rows[0][0]


def test_every_kind_is_planted(planted: Place) -> None:
    assert {thing.kind for thing in things(planted)} == KINDS
    assert {thing.system for thing in things(planted)} == {GENUKA, GENLETTER, "dedicated_01"}


def test_every_place_exists(planted: Place) -> None:
    for thing in things(planted):
        seen = inspect(planted.engines[thing.system])
        if thing.kind == "undeclared_table":
            assert seen.has_table(thing.table)
        elif thing.kind == "undeclared_column":
            assert thing.column in {column["name"] for column in seen.get_columns(thing.table)}
            assert thing.column not in table_of(thing.system, thing.table).c
        elif thing.kind == "without_tenant":
            value_of(planted, thing)
        else:
            assert value_of(planted, thing) is not None, thing


def test_what_detectors_look_for_they_find_there(planted_postgres: Place) -> None:
    from genuka_pipelines.quality.detectors import detectors, find

    missed = []
    for thing in things(planted_postgres):
        if thing.kind in SEEN_BY_DETECTORS:
            value = value_of(planted_postgres, thing)
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            if thing.kind not in {finding.kind for finding in find([text], detectors(thing.kind))}:
                missed.append((thing.table, thing.column, thing.kind, text))
    assert missed == []


def test_overdue_rows_are_overdue(planted: Place) -> None:
    overdue = [thing for thing in things(planted) if thing.kind == "overdue"]
    assert len(overdue) > 90
    for thing in overdue:
        value = value_of(planted, thing)
        if isinstance(value, datetime):
            assert (AS_OF.replace(tzinfo=None) - value).days >= 2, thing
            assert value.year > 1970


def test_test_numbers_are_valid_and_of_every_length() -> None:
    assert {len(number) for number in numbers()} == {13, 14, 15, 16, 19}
    assert all(number[-1] == check_digit(number[:-1]) for number in numbers())
