"""The predicate of a rule picks exactly the rows that the rule's own arithmetic picks, on both servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Anchor, Rule
from genuka_pipelines.rows.due import dated, due, since, waiting
from genuka_pipelines.rows.path import is_not_true
from genuka_pipelines.rows.selection import Due
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.database import Database
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
)
COLUMNS = ("fine", "zoned", "day", "seen", "ulid:id")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PERIODS = st.sampled_from(["P0D", "P1D", "P7D", "P1M", "P3M", "P12M", "P1Y", "P3Y", "P1M1D", "P100Y"])
_DAYS = [(2024, 2, 29), (2023, 2, 28), (2025, 3, 31), (2025, 4, 30), (2026, 12, 31), (2026, 1, 1), (2025, 7, 15)]
NOWS = st.builds(
    lambda day, hour, micro: dt.datetime(day[0], day[1], day[2], hour, 0, 0, micro, dt.UTC),
    st.sampled_from(_DAYS),
    st.sampled_from([0, 12, 23]),
    st.sampled_from([0, 1, 999_999]),
)
ANCHORS = st.builds(
    lambda of, pick: Anchor(of=tuple(of), pick=pick),
    st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True),
    st.sampled_from(["first_known", "latest", "earliest"]),
)
RULES = st.builds(
    lambda keep, since, otherwise, when, sooner, floor: Rule.model_validate(
        {"keep": keep, "since": since, "otherwise": otherwise, "when": when, "sooner": sooner, "floor": floor,
         "clause": "SH-01"}
    ),
    PERIODS,
    ANCHORS,
    st.none() | ANCHORS,
    st.sampled_from([{}, {"status": "Done"}, {"status": ["done", "absent"]}, {"asked": False}, {"day": "present"}]),
    st.sampled_from([{}, {"asked": "asked"}, {"wanted": "fine"}, {"asked": "asked", "seen": "seen"}]),
    st.none() | st.builds(lambda keep, since: {"keep": keep, "since": since}, PERIODS, ANCHORS),
)  # fmt: skip


def ulid(moment: dt.datetime, low: bool) -> str:
    number, text = int(moment.timestamp() * 1000), ""
    for _ in range(10):
        number, digit = divmod(number, 32)
        text = ALPHABET[digit] + text
    text += "0123456789ABCDEF"
    return text.lower() if low else text


@st.composite
def cases(draw: st.DrawFn) -> tuple[Rule, dt.datetime, list[dict[str, Any]]]:
    rule, now = draw(RULES), draw(NOWS)
    edges = [rule.period.cutoff(now), now, *([rule.floor.keep.cutoff(now)] if rule.floor else [])]
    near = st.builds(
        lambda edge, step: max(edge + dt.timedelta(**step), dt.datetime(1971, 1, 2, tzinfo=dt.UTC)),
        st.sampled_from(edges),
        st.sampled_from(
[{}] * 6
            + [{}, {"microseconds": 1}, {"microseconds": -1}, {"milliseconds": 1}, {"seconds": -1}, {"seconds": 1},
             {"days": 1}, {"days": -1}, {"days": -3}, {"days": 40}]
        ),
    )  # fmt: skip
    row = st.fixed_dictionaries(
        {
            "id": st.none() | st.builds(ulid, near, st.booleans()) | st.sampled_from(["", "no ulid", "8" + "0" * 25]),
            "fine": st.none() | near.map(lambda moment: moment.replace(tzinfo=None)),
            "zoned": st.none() | near.map(lambda moment: moment.replace(microsecond=0)),
            "day": st.none() | near.map(lambda moment: moment.date()),
            "seen": st.none() | st.just(0) | near.map(lambda moment: int(moment.timestamp())),
            "asked": st.none() | st.booleans(),
            "status": st.none() | st.sampled_from(["done", "DONE", "open", ""]),
        }
    )
    return rule, now, draw(st.lists(row, min_size=1, max_size=12))


class Model:
    """The rule, computed row by row in Python from `Period.end`."""

    def __init__(self, rule: Rule, now: dt.datetime, row: dict[str, Any]) -> None:
        self.rule, self.now, self.row = rule, now, row

    def moment(self, reference: str) -> dt.datetime | None:
        value = self.row[reference.removeprefix("ulid:")]
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

    def anchor(self, anchor: Anchor | None) -> dt.datetime | None:
        known = [moment for reference in (anchor.of if anchor else ()) if (moment := self.moment(reference))]
        choose: dict[str, Callable[[list[dt.datetime]], dt.datetime]] = {
            "latest": max, "earliest": min, "first_known": lambda moments: moments[0],
        }  # fmt: skip
        return choose[anchor.pick](known) if anchor and known else None

    @property
    def start(self) -> dt.datetime | None:
        found = self.anchor(self.rule.since)
        return self.anchor(self.rule.otherwise) if found is None else found

    def _over(self, period: Period, start: dt.datetime | None) -> bool:
        return start is not None and period.end(start) <= self.now

    @property
    def applies(self) -> bool:
        status = (self.row["status"] or "").lower()
        asked = {"status": status, "asked": self.row["asked"], "day": self.row["day"]}
        for column, wanted in self.rule.when.items():
            if column == "status" and not (status == "done" or (not status and "absent" in wanted)):  # type: ignore[operator]
                return False
            if column == "asked" and asked["asked"] is not False:
                return False
            if column == "day" and self.row["day"] is None:
                return False
        return True

    @property
    def sooner(self) -> bool:
        def triggered(reference: str) -> bool:
            if reference == "asked":
                return self.row["asked"] is True
            moment = self.moment(reference)
            return moment is not None and moment <= self.now

        return any(triggered(reference) for reference in self.rule.sooner.values())

    @property
    def due(self) -> bool:
        floor = self.rule.floor
        passed = floor is None or self._over(floor.keep, self.anchor(floor.since))
        return self.applies and ((self._over(self.rule.period, self.start) and passed) or self.sooner)

    @property
    def undated(self) -> bool:
        floor = self.rule.floor
        lost = self.start is None or (floor is not None and self.anchor(floor.since) is None)
        return self.applies and not self.sooner and lost


@given(case=cases())
def test_the_predicate_is_the_rule(database: Database, case: tuple[Rule, dt.datetime, list[dict[str, Any]]]) -> None:
    rule, now, rows = case
    rows = [{"n": number, **row} for number, row in enumerate(rows)]
    fill(database, EVENTS, rows)
    columns = dict.fromkeys(EVENTS.c.keys(), "system")
    facts = catalog(events=category({"events": {"columns": columns, "retention": [rule]}}))
    table = bound(database, "events", facts)
    models = [Model(rule, now, row) for row in rows]
    asked = [
        sa.case((where(Due(rule, now), table), 1), else_=0),
        sa.case((waiting(table, rule, now) & is_not_true(dated(table, rule, now)), 1), else_=0),
        since(table, rule),
    ]
    found = database.rows(sa.select(*asked).select_from(table.sql).order_by(table.column("n")))
    for model, (is_due, is_undated, start) in zip(models, found, strict=True):
        assert (bool(is_due), bool(is_undated)) == (model.due, model.undated), model.row
        assert start == model.start, model.row
    chosen = sa.select(table.column("n")).where(due(table, rule, now))
    assert {n for (n,) in database.rows(chosen)} == {m.row["n"] for m in models if m.due}


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
