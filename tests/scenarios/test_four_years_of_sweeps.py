"""Four years of sweeps on the demo: at every step exactly the rows go whose verdict says so, and the ledger adds up."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.control.bodies import Done
from genuka_pipelines.rows.count import count_fate
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.ending import Ending, endings_of
from genuka_pipelines.rows.fate import fates
from genuka_pipelines.rows.selection import Due
from tests.scenarios.sweeping_life import live_on
from tests.scenarios.sweeping_model import Judged, Key, Place, compare, contents, judge, tables
from tests.scenarios.sweeping_world import AS_OF, Seeded, World, copied, shared_seeding
from tests.servers import Kind

YEARS, CAMPAIGN, LATEST = 4, 200, 2200
TOGETHER = ("genuka/account_contact", "genuka/customer_databases", "genuka/dedicated_databases", "genletter/account")
"""Rows of these wait for rows of other categories, so they are swept with all of them."""
AROUND = (timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1))
FEW = [
    datetime(2026, 11, 25, 12, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2027, 2, 28, 12, tzinfo=UTC),  # a month after 31 January
    datetime(2027, 10, 31, 0, 30, tzinfo=UTC),  # 02:30 in Paris, for the first time
    datetime(2028, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2028, 3, 26, 1, tzinfo=UTC),  # 02:00 in Paris, which never is
    datetime(2030, 11, 22, 12, tzinfo=UTC),
]
"""Month ends, the leap day, both changes of the clocks in Paris; the last is four years on."""


def _steps(rounds: int) -> list[datetime]:
    """The few; in a campaign every month's end and beginning between them too."""
    if rounds < CAMPAIGN:
        return FEW
    months = [datetime(2026 + (11 + n) // 12, (11 + n) % 12 + 1, 1, tzinfo=UTC) for n in range(12 * YEARS)]
    return sorted({*FEW, *months, *(month - timedelta(microseconds=1) for month in months[::6])})


@pytest.fixture(scope="module")
def seeded() -> Seeded:
    return shared_seeding()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_each_step_takes_what_is_due_and_nothing_else(kind: Kind, rounds: int, seed: int) -> None:
    """In the suite each step is of a small category, and the last of all; on MariaDB two steps of four."""
    chance, total = random.Random(seed), Counter[str]()
    whole, steps = rounds >= CAMPAIGN, _steps(rounds)
    if kind == "mariadb" and not whole:
        steps = [FEW[2], FEW[-1]]
    with copied(shared_seeding(kind)) as world:
        live_on(world)
        every = sorted({table.home.declared[table.name].key for _, table in tables(world)})
        small = [key for key in every if key not in TOGETHER]
        for step in steps:
            total += _step(world, step, every if whole else chance.sample(small, 1 if kind == "postgresql" else 4))
        if kind == "postgresql" and not whole:
            total += _step(world, steps[-1], every)
        assert world.runtime.control.ledger.verify().problems == ()
        assert world.runtime.control.ledger.open_intents() == ()
    print(f"{kind}: {len(steps)} steps to {steps[-1]:%Y-%m-%d}; rows judged: {dict(total)}")
    assert total["gone"] > 100


def _step(world: World, as_of: datetime, categories: list[str]) -> Counter[str]:
    listed = dict(tables(world, categories))
    before = {place: contents(table) for place, table in listed.items()}
    judged: dict[Place, dict[Key, Judged]] = {place: judge(table, as_of) for place, table in listed.items()}
    start = world.runtime.control.ledger.head().seq
    swept = world.sweep(as_of, *categories)
    swept.refuse_survivors()
    found = compare(judged, before, {place: contents(table) for place, table in tables(world, categories)})
    assert found.wrong == (), as_of
    ours = {place[2] for place in judged}
    bodies = [entry.body for entry in world.runtime.control.ledger.entries(start)]
    done = sum(body.count for body in bodies if isinstance(body, Done) and body.table in ours)
    assert done == found.seen["gone"] + found.seen["anonymised"], as_of
    again = world.plan(as_of, *categories)
    assert [line for line in again.planned if line.unknown or line.erasable or line.anonymise] == [], as_of
    return Counter[str](found.seen)


def test_each_rule_ends_a_row_at_its_instant_and_not_before(seeded: Seeded, rounds: int, seed: int) -> None:
    """One microsecond before, at and after: not due, due, due; in the suite for some of the rules with a row."""
    chance = random.Random(seed)
    shown, lacking = Counter[str](), []
    with copied(seeded) as world:
        live_on(world)
        ways = list(_endings(world, ways=rounds >= CAMPAIGN))
        judged: dict[tuple[str, str], dict[Key, Judged]] = {}
        for system, table, name, ending in ways if rounds >= CAMPAIGN else chance.sample(ways, 16):
            if (system, table.name) not in judged:
                judged[system, table.name] = judge(table, AS_OF)
            rows = judged[system, table.name]
            ends, laws = _ends(rows, name), _lawful_ends(rows, name)
            if ends:
                end = chance.choice(sorted(ends))
                counts = [_counts(table, name, ending, end + step)["due"] for step in AROUND]
                assert counts[1] - counts[0] == ends[end], (table.name, name, end, counts)
                assert counts[2] == counts[1], (table.name, name, end, counts)
                shown["rules"] += 1
            if laws:
                end = chance.choice(sorted(laws))
                kept = [_counts(table, name, ending, end + step)["kept_by_law"] for step in AROUND]
                assert kept[0] > kept[1] == kept[2], (table.name, name, end, kept)
                shown["legal minima"] += 1
            if not (ends or laws):
                lacking.append(f"{system.removesuffix('_database')} {table.name}.{name}")
    print(f"at their boundary: {dict(shown)} of {len(ways)}; without a row: {', '.join(lacking) or 'none'}")
    assert shown["rules"] > 10


def _endings(world: World, *, ways: bool) -> Iterator[tuple[str, DeclaredTable, str, Ending]]:
    """What ends rows of the shared databases: the rules written on a table, and with `ways` those of others."""
    for (system, tenant, _), table in tables(world):
        for name, ending in endings_of(table).items():
            if tenant is None and ending.verb != "drop_database" and (ways or not ending.ways):
                yield system, table, name, ending


def _ends(rows: dict[Key, Judged], name: str) -> Counter[datetime]:
    """When rows end by a rule, by instant; of a row that several ways lead to, the first."""
    ends = Counter[datetime]()
    for row in rows.values():
        mine = [one for one in row.verdict.promised if one.rule.partition(" ")[0] == name and not one.blank]
        known = [one.end for one in mine if one.end and one.why in ("period", "ceiling", "floor", "sooner")]
        if known and min(known) > AS_OF and min(known).year < LATEST:
            ends[min(known)] += 1
    return ends


def _lawful_ends(rows: dict[Key, Judged], name: str) -> set[datetime]:
    """When legal minima end, of rows whose promise is over by then."""
    return {
        one.end
        for row in rows.values()
        for one in row.verdict.minima
        if one.rule.partition(" ")[0] == name and one.end and one.end > AS_OF
        and any(p.rule.partition(" ")[0] == name and p.end and p.end < one.end for p in row.verdict.promised)
    }  # fmt: skip


def _counts(table: DeclaredTable, name: str, ending: Ending, as_of: datetime) -> dict[str, int]:
    """The line of a plan, of one table."""
    (fate,) = [one for one in fates(Due(ending.rule, as_of), table, as_of=as_of) if one.name == name]
    return count_fate(table, fate)
