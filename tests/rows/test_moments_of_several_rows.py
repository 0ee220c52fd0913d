"""A date that a row finds in several others: the latest binds, the first event ends, and a gap says nothing."""

from __future__ import annotations

import datetime as dt
import random
from types import SimpleNamespace
from typing import Any, cast

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import Home, declarations
from genuka_pipelines.rows.due import due, kept_by_law, rules_of
from genuka_pipelines.rows.explaining import explain
from genuka_pipelines.rows.house import House
from genuka_pipelines.systems.database import Database
from tests.rows.shop import AS_OF, TENANTS, bound, catalog, category, plain
from tests.systems.opened import fill

SCHEMA = sa.MetaData()
FIRMS = sa.Table(
    "firms", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("company_id", sa.String(26)), sa.Column("ended_at", sa.DateTime),
)  # fmt: skip
STAFF = sa.Table(
    "staff", SCHEMA, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("firm_id", sa.Integer), sa.Column("company_id", sa.String(26)),
    sa.Column("seen_at", sa.DateTime), sa.Column("asked_at", sa.DateTime), sa.Column("gone", sa.Boolean),
)  # fmt: skip
OLD, NEW, LATER = plain(2025), plain(2026, 5, 30), plain(2026, 7)
FAR = {"keep": "P90Y", "since": "seen_at", "clause": "SH-01"}
RULES: dict[str, dict[str, Any]] = {
    "seen": {"keep": "P1M", "since": "staff.seen_at"},
    "latest": {"keep": "P2M", "since": {"latest": ["ended_at", "staff.seen_at"]}},
    "earliest": {"keep": "P3M", "since": {"earliest": ["staff.seen_at", "ended_at"]}},
    "otherwise": {"keep": "P5M", "since": "staff.seen_at", "otherwise": "ended_at"},
    "floored": {"keep": "P0D", "since": "ended_at", "floor": {"keep": "P4M", "since": "staff.seen_at"}},
    "asked": {"keep": "P50Y", "since": "ended_at", "sooner": {"asked": "staff.asked_at"}},
    "flagged": {"keep": "P60Y", "since": "ended_at", "sooner": {"gone": "staff.gone"}},
    "lawful": {"keep": "P6M", "since": "ended_at",
               "law": {"since": "staff.seen_at", "minimum": {"FR": "P1Y"}, "basis": "Law 1"}},
}  # fmt: skip


def _facts(link: str) -> Any:
    """The staff of a firm is found by the firm's number, or by having the same tenant."""
    staff = [one.name for one in STAFF.c if one.name != "firm_id" or link == "firm_id"]
    rules = [{"name": name, "clause": "SH-01", **rule} for name, rule in RULES.items()]
    return catalog(
        firms=category(
            {
                "firms": {"tenant": "company_id", "columns": dict.fromkeys(FIRMS.c.keys(), "s"), "retention": rules},
                "staff": {"tenant": "company_id", "columns": dict.fromkeys(staff, "s"), "retention": [FAR]},
            }
        )
    )


def _model(name: str, firm: dict[str, Any], people: list[dict[str, Any]]) -> bool:
    now = AS_OF.replace(tzinfo=None)

    def over(moment: dt.datetime | None, days: int) -> bool:
        return moment is not None and moment + dt.timedelta(days=days) <= now

    seen = max((one["seen_at"] for one in people if one["seen_at"]), default=None)
    known = [moment for moment in (seen, firm["ended_at"]) if moment]
    return {
        "seen": over(seen, 31),
        "latest": over(max(known, default=None), 61),
        "earliest": over(min(known, default=None), 92),
        "otherwise": over(seen or firm["ended_at"], 153),
        "floored": over(firm["ended_at"], 0) and over(seen, 123),
        "asked": any(one["asked_at"] and one["asked_at"] <= now for one in people),
        "flagged": any(one["gone"] for one in people),
        "lawful": over(firm["ended_at"], 184),
    }[name]


def _kept(people: list[dict[str, Any]]) -> bool:
    """Some of what the law speaks of is not a year old, or none of it has a date."""
    known = [one["seen_at"] for one in people if one["seen_at"]]
    return bool(people) and (not known or max(known) > AS_OF.replace(tzinfo=None) - dt.timedelta(days=365))


def _people(chance: random.Random, firms: int) -> list[dict[str, Any]]:
    moments = [None, None, OLD, OLD, OLD, NEW, LATER, plain(2026, 3)]
    return [
        {"id": number, "firm_id": chance.randrange(firms), "company_id": f"t{chance.randrange(firms)}",
         "seen_at": chance.choice(moments), "asked_at": chance.choice([None, None, None, OLD, LATER]),
         "gone": chance.choice([None, False, False, True])}
        for number in range(firms * 2)
    ]  # fmt: skip


def test_sql_verdict_and_words_agree(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    for link in ("firm_id", "company_id"):
        firms = [{"id": n, "company_id": f"t{n}", "ended_at": chance.choice([None, OLD, NEW])} for n in range(60)]
        people = _people(chance, len(firms))
        fill(database, FIRMS, firms)
        fill(database, STAFF, people)
        facts = _facts(link)
        table = bound(database, "firms", facts)
        asked = [due(table, rule, AS_OF) for rule in rules_of(table).values()]
        asked.append(kept_by_law(table, rules_of(table)["lawful"], AS_OF))
        query = sa.select(*(sa.case((one, 1), else_=0) for one in asked)).order_by(table.column("id"))
        seen = set[tuple[str, bool]]()
        for firm, row in zip(firms, database.rows(query.select_from(table.sql)), strict=True):
            mine = [one for one in people if one[link] == firm["id" if link == "firm_id" else "company_id"]]
            said = {name: _model(name, firm, mine) for name in RULES}
            assert [bool(one) for one in row] == [*said.values(), _kept(mine)], (link, firm, mine)
            seen |= set(said.items())
        assert len(seen) == 2 * len(RULES), "every rule is seen to end rows and to keep some"
        house = cast("House", SimpleNamespace(catalog=facts, databases=lambda _: Databases(database)))
        for firm in firms[:12]:  # raises VerdictDisagrees
            explain(house, "shop_database", "firms", str(firm["id"]), AS_OF)


def test_one_who_never_logged_in_ends_no_floor(database: Database) -> None:
    fill(database, FIRMS, [{"id": 1, "company_id": "t", "ended_at": OLD}])
    staff = [{"id": 1, "firm_id": 1, "company_id": "t", "seen_at": NEW}, {"id": 2, "firm_id": 1, "company_id": "t"}]
    fill(database, STAFF, staff)
    since = {"latest": ["ended_at", "staff.seen_at"]}
    rule = Rule.model_validate({"keep": "P1M", "since": since, "floor": {"keep": "P1M", "since": since},
                                "clause": "SH-01"})  # fmt: skip
    firms = {"tenant": "company_id", "columns": dict.fromkeys(FIRMS.c.keys(), "s"), "retention": [rule]}
    staff_too = {"tenant": "company_id", "columns": dict.fromkeys(STAFF.c.keys(), "s"), "retention": [FAR]}
    table = bound(database, "firms", catalog(firms=category({"firms": firms, "staff": staff_too})))
    assert database.rows(sa.select(due(table, rule, AS_OF)).select_from(table.sql)) == [(False,)]


def test_a_dedicated_database_asks_the_shared_one_the_same(database: Database) -> None:
    people = [
        {"id": 1, "company_id": "gap", "seen_at": NEW}, {"id": 2, "company_id": "gap"},
        {"id": 3, "company_id": "old", "seen_at": OLD}, {"id": 4, "company_id": "old", "asked_at": OLD},
        {"id": 5, "company_id": "old", "asked_at": LATER}, {"id": 6, "company_id": "none"},
    ]  # fmt: skip
    fill(database, STAFF, people)
    fill(database, FIRMS, [{"id": 1, "company_id": "x", "ended_at": OLD}])
    facts = _facts("company_id")
    declared = declarations(facts, "shop_database")
    shared = Home(database, {"staff": declared["staff"]}, TENANTS)
    found: dict[str, list[str]] = {}
    for tenant in ("gap", "old", "none", "nobody"):
        # the staff is only in the shared database
        own = Home(_Without(database, "staff"), {**declared}, TENANTS, tenant, shared)  # type: ignore[arg-type]
        table = own.table("firms")
        rules = {name: rule for name, rule in rules_of(table).items() if name in ("seen", "floored", "asked")}
        query = sa.select(*(sa.case((due(table, rule, AS_OF), 1), else_=0) for rule in rules.values()))
        (row,) = database.rows(query.select_from(table.sql))
        found[tenant] = [name for name, is_due in zip(rules, row, strict=True) if is_due]
    assert found == {"gap": [], "old": ["seen", "floored", "asked"], "none": [], "nobody": []}


class _Without:
    """A database that lacks a table."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def tables(self) -> dict[str, Any]:
        return {name: columns for name, columns in self._database.tables().items() if name != self._name}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)
