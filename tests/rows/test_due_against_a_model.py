"""The predicates pick exactly the rows that the verdict's own arithmetic picks, on both servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.promise import Reading, promise
from genuka_pipelines.catalog.rule import Anchor, Rule
from genuka_pipelines.catalog.verdict import Held, verdict
from genuka_pipelines.rows.due import dated, due, kept_by_law, since, waiting
from genuka_pipelines.rows.fate import erasable
from genuka_pipelines.rows.path import is_not_true
from genuka_pipelines.rows.selection import Due, Hold, OfPerson
from genuka_pipelines.rows.where import held, where
from genuka_pipelines.systems.database import Database
from tests.catalog.readings import NOWS, edges, near, rules
from tests.conftest import ROUNDS
from tests.rows.shop import bound, catalog, category
from tests.systems.opened import fill

EVENTS = sa.Table(
    "events",
    sa.MetaData(),
    sa.Column("n", sa.Integer),
    sa.Column("id", sa.CHAR(26)),
    sa.Column("fine", sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")),
    sa.Column("zoned", sa.DateTime(timezone=True).with_variant(mysql.TIMESTAMP(), "mysql")),
    sa.Column("day", sa.Date),
    sa.Column("seen", sa.BigInteger),
    sa.Column("asked", sa.Boolean),
    sa.Column("status", sa.String(20)),
    sa.Column("country", sa.String(2)),
    sa.Column("name", sa.String(20)),
)
COLUMNS = ("fine", "zoned", "day", "seen", "ulid:id")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RULES = rules(
    COLUMNS,
    when=({}, {}, {"status": "Done"}, {"status": ["done", "absent"]}, {"asked": False}, {"day": "present"}),
    sooner=({}, {}, {"asked": "asked"}, {"wanted": "fine"}, {"asked": "asked", "seen": "seen"}),
    country="country",
    actions=("delete", "delete", "anonymise"),
)
HOLDS = [Hold("even", OfPerson({"shopper": ("0", "2", "4", "6")})), Hold("fourth", OfPerson({"shopper": ("4",)}))]
COVERED: dict[str, Callable[[int], bool]] = {"even": lambda n: n in (0, 2, 4, 6), "fourth": lambda n: n == 4}


def ulid(moment: dt.datetime, low: bool) -> str:
    number, text = int(moment.timestamp() * 1000), ""
    for _ in range(10):
        number, digit = divmod(number, 32)
        text = ALPHABET[digit] + text
    text += "0123456789ABCDEF"
    return text.lower() if low else text


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Rule], dt.datetime, list[dict[str, Any]]]:
    now = draw(NOWS)
    drawn = draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=3))
    named = {f"r{place}": rule.model_copy(update={"name": f"r{place}"}) for place, rule in enumerate(drawn)}
    moments = near([edge for rule in drawn for edge in edges(rule, now)])
    row = st.fixed_dictionaries(
        {
            "id": st.none()
            | st.builds(ulid, moments, st.booleans())
            | st.sampled_from(["", "no ulid", "8" + "0" * 25]),
            "fine": st.none() | moments.map(lambda moment: moment.replace(tzinfo=None)),
            "zoned": st.none() | moments.map(lambda moment: moment.replace(microsecond=0)),
            "day": st.none() | moments.map(lambda moment: moment.date()),
            "seen": st.none() | st.just(0) | moments.map(lambda moment: int(moment.timestamp())),
            "asked": st.none() | st.booleans(),
            "status": st.none() | st.sampled_from(["done", "DONE", "open", ""]),
            "country": st.none() | st.sampled_from(["CM", "fr", "US", ""]),
            "name": st.none() | st.sampled_from(["Ada", ""]),
        }
    )
    rows = draw(st.lists(row, min_size=1, max_size=10))
    return named, now, [{"n": number, **row} for number, row in enumerate(rows)]


def moment(reference: str, row: dict[str, Any]) -> dt.datetime | None:
    value = row[reference.removeprefix("ulid:")]
    if value in (None, 0, ""):
        return None
    if reference == "ulid:id":
        if len(value) != 26 or value[0] > "7":
            return None
        number = 0
        for letter in value[:10].upper():
            number = number * 32 + ALPHABET.index(letter)
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=number)
    if reference == "seen":
        return dt.datetime.fromtimestamp(value, dt.UTC)
    if reference == "day":
        return dt.datetime.combine(value, dt.time(), dt.UTC)
    found: dt.datetime = value.replace(tzinfo=dt.UTC)
    return found


def applies(rule: Rule, row: dict[str, Any]) -> bool:
    status = (row["status"] or "").lower()
    for column, wanted in rule.when.items():
        if column == "status" and not (status == "done" or (not status and "absent" in wanted)):  # type: ignore[operator]
            return False
        if column == "asked" and row["asked"] is not False:
            return False
        if column == "day" and row["day"] is None:
            return False
    return True


def reading(rule: Rule, row: dict[str, Any]) -> Reading:
    country = (row["country"] or "").upper()
    return Reading(
        rule,
        applies=applies(rule, row),
        moments={reference: moment(reference, row) for reference in COLUMNS},
        flags={"asked": row["asked"] is True},
        concerned=True,
        country=country if rule.law and rule.law.country else None,
        anonymises=rule.action == "anonymise",
        blank=row["name"] is None,
    )


def start(read: Reading) -> dt.datetime | None:
    """The moment from which a period runs, whatever its state and whatever else moves its end."""
    alone = read.rule.model_copy(update={"sooner": {}, "floor": None})
    return promise("alone", replace(read, rule=alone, applies=True), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).since


def yes(predicate: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.case((predicate, 1), else_=0)


@settings(max_examples=max(8, ROUNDS // 2))
@given(case=cases())
def test_the_predicates_are_the_verdict(
    database: Database, case: tuple[dict[str, Rule], dt.datetime, list[dict[str, Any]]]
) -> None:
    named, now, rows = case
    fill(database, EVENTS, rows)
    columns = {**dict.fromkeys(EVENTS.c.keys(), "x"), "name": "user.name"}
    table = {"key": ["n"], "subject": {"shopper": "n"}, "columns": columns, "retention": list(named.values())}
    events = bound(database, "events", catalog(events=category({"events": table})))
    for as_of in (now, now - dt.timedelta(microseconds=1), now + dt.timedelta(days=31)):
        asked = [
            yes(where(Due(None, as_of), events)),
            yes(erasable(Due(None, as_of), events, as_of=as_of)),
            yes(erasable(Due(None, as_of), events, as_of=as_of, holds=HOLDS)),
            *(yes(held(events, [hold])) for hold in HOLDS),
        ]
        for rule in named.values():
            undated = waiting(events, rule, as_of) & is_not_true(dated(events, rule, as_of))
            found = (due(events, rule, as_of), undated, kept_by_law(events, rule, as_of))
            asked += [*map(yes, found), since(events, rule)]
        answers = database.rows(sa.select(*asked).select_from(events.sql).order_by(events.column("n")))
        for row, answer in zip(rows, answers, strict=True):
            covering = [Held(name) for name, covers in COVERED.items() if covers(row["n"])]
            read = {name: reading(rule, row) for name, rule in named.items()}
            bare, kept = verdict(read, as_of), verdict(read, as_of, covering)
            said: list[Any] = [bare.due, bare.erasable, kept.erasable, *(Held(hold.id) in covering for hold in HOLDS)]
            for one in bare.promised:
                by_law = any(minimum.binding for minimum in bare.minima if minimum.rule == one.rule)
                said += [one.due, one.undated, by_law, start(read[one.rule])]
            assert list(answer) == said, (row, as_of)


EDGE = dt.datetime(2025, 6, 15, tzinfo=dt.UTC)
UNITS = {"fine": dt.timedelta(microseconds=1), "zoned": dt.timedelta(seconds=1), "day": dt.timedelta(days=1),
         "seen": dt.timedelta(seconds=1), "ulid:id": dt.timedelta(milliseconds=1)}  # fmt: skip
HELD: dict[str, Callable[[dt.datetime], Any]] = {
    "fine": lambda moment: moment.replace(tzinfo=None),
    "zoned": lambda moment: moment,
    "day": lambda moment: moment.date(),
    "seen": lambda moment: int(moment.timestamp()),
    "ulid:id": lambda moment: ulid(moment, True),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_period_is_over_at_its_very_end_and_not_before(database: Database, column: str) -> None:
    moments = [EDGE - UNITS[column], EDGE, EDGE + UNITS[column]]
    fill(database, EVENTS, [{"n": n, column.removeprefix("ulid:"): HELD[column](m)} for n, m in enumerate(moments)])
    rule = Rule(keep=Period("P1M"), since=Anchor(of=(column,)), clause="SH-01")
    facts = catalog(events=category({"events": {"columns": dict.fromkeys(EVENTS.c.keys(), "x"), "retention": [rule]}}))
    table = bound(database, "events", facts)
    chosen = sa.select(table.column("n")).where(where(Due(rule, dt.datetime(2025, 7, 15, tzinfo=dt.UTC)), table))
    assert {n for (n,) in database.rows(chosen)} == {0, 1}
