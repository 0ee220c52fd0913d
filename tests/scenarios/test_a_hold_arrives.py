"""A hold arrives while a sweep runs: it wins for every row not yet gone, and lifting it resets no clock."""

from __future__ import annotations

import json
import os
import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.control import CategoryScope, RowScope, Scope, SubjectScope, TenantScope
from tests.scenarios.sweeping_model import judge, tables
from tests.scenarios.sweeping_world import SMALL, Seeded, World, copied, shared_seeding, wall
from tests.servers import Kind

LATER = datetime(2028, 2, 29, 12, tzinfo=UTC)
CATEGORIES = ("genuka/browser_data", "genuka/server_sessions", "genuka/session_recordings")
TABLES = {"browser_logs": "company_id", "session_recordings": "user_id", "sessions": "user_id"}
"""The tables of these categories, each with whose its rows are."""
Row = tuple[str, str]


@pytest.fixture(scope="module")
def seeded() -> Seeded:
    return shared_seeding()


def _rows(world: World, where: str = "1 = 1", only: tuple[str, ...] = tuple(TABLES)) -> set[Row]:
    return {(table, key) for table in only for key in world.ids(f"select id from {table} where {where}")}


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_no_held_row_is_lost_and_no_other_is_kept(kind: Kind, rounds: int, seed: int) -> None:
    """A schedule is a hold at a random moment of a sweep: as many as rounds, on MariaDB a sixth of them."""
    chance, placed, early = random.Random(seed), 0, 0
    wanted = rounds if kind == "postgresql" else max(4, rounds // 6)
    while placed < wanted:
        with copied(shared_seeding(kind)) as world:
            there = _rows(world)
            before, ledger = len(there), world.runtime.control.ledger
            start = ledger.head().seq
            child = world.sweep_in_a_process(LATER, *CATEGORIES, limits=SMALL)
            while ledger.head().seq == start and not _ended(child):
                time.sleep(0.01)
            kept, holds = set[Row](), list[str]()
            while placed < wanted and len(holds) < 25 and not _ended(child):
                time.sleep(chance.random() * 0.15)
                scope, covers = _scope(world, chance, sorted(there))
                holds.append(world.hold(scope))
                bound = covers & _rows(world)
                early += bool(bound)
                kept |= bound
                placed += 1
            assert _code(child) == 0
            left = _rows(world)
            assert left >= kept, "a held row is lost"
            assert left == kept, "a row is kept that nothing holds"
            planned = world.plan(LATER, *CATEGORIES).planned
            assert sum(line.erasable or 0 for line in planned) == 0
            for hold in holds:
                world.release(hold)
            world.sweep(LATER, *CATEGORIES).refuse_survivors()
            assert _rows(world) == set(), "lifting a hold takes the rows at once"
            assert ledger.verify().problems == ()
            assert before > len(kept)
    print(f"{kind}: {placed} holds, {early} of them before all of their rows had gone")
    assert early > 0


def _scope(world: World, chance: random.Random, rows: list[Row]) -> tuple[Scope, set[Row]]:
    """Something to hold, mostly one row, and the rows that it covers."""
    table, key = chance.choice(rows)
    draw = chance.random()
    if draw < 0.6:
        return RowScope(table, (key,), "genuka_database"), {(table, key)}
    if draw < 0.8:
        (user,) = world.ids("select user_id from session_recordings where user_id is not null limit 1") or {"nobody"}
        return SubjectScope({"user": (user,)}), _rows(world, f"user_id = '{user}'", ("session_recordings", "sessions"))
    owners = sorted(world.ids("select company_id from browser_logs")) or ["nobody"]
    tenant = chance.choice(owners)
    own, staff = f"company_id = '{tenant}'", f"user_id in (select id from users where company_id = '{tenant}')"
    # A session goes with its user, so whoever holds a tenant holds the sessions of its users.
    return TenantScope(tenant), (
        _rows(world, own, ("browser_logs",))
        | _rows(world, f"{own} or {staff}", ("session_recordings",))
        | _rows(world, staff, ("sessions",))
    )


_codes: dict[int, int] = {}


def _ended(child: int) -> bool:
    if child not in _codes:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            _codes[child] = os.waitstatus_to_exitcode(status)
    return child in _codes


def _code(child: int) -> int:
    return _codes.pop(child) if child in _codes else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_each_kind_of_hold_keeps_what_it_is_about(seeded: Seeded) -> None:
    """A restriction of one person (art. 18), a dispute over a chat (GL-08), a concern on browser data (GK-35)."""
    with copied(seeded) as world:
        user = sorted(world.ids("select user_id from sessions where user_id is not null"))[0]
        chat = sorted(world.ids("select id from chat_conversations", "genletter"))[0]
        said = world.house.here(
            "hold", "add", "--kind", "security", "--reason", "security_incident", "--reference", "case-35",
            "--by", "staff-1", "--category", "genuka/browser_data", "--json",
        )  # fmt: skip
        assert said.code == 0, said.err
        holds = [
            said.json["hold"],
            world.hold(SubjectScope({"user": (user,)}), kind="restriction", reason="accuracy_contested"),
            world.hold(RowScope("chat_conversations", (chat,)), kind="dispute", reason="payment_dispute"),
        ]
        sessions = world.ids(f"select id from sessions where user_id = '{user}'")
        browsing = world.ids("select id from browser_logs")
        ends = _ends(world)
        every = (*CATEGORIES, "genletter/chat")
        world.sweep(LATER, *every).refuse_survivors()
        assert world.ids("select id from sessions") == sessions
        assert world.ids("select id from browser_logs") == browsing
        assert world.ids("select id from chat_conversations", "genletter") == {chat}
        assert _ends(world) == ends, "the clock of a held row runs on"
        for hold in holds:
            world.release(hold)
        world.sweep(LATER, *every).refuse_survivors()
        assert _rows(world) == set()
        assert world.ids("select id from chat_conversations", "genletter") == set()


def _ends(world: World) -> dict[str, datetime | None]:
    """When each browser log's period is over, whatever holds it."""
    ((_, table),) = [found for found in tables(world, ["genuka/browser_data"]) if found[0][1] is None]
    return {key: one.verdict.end for (key,), one in judge(table, LATER).items()}


def test_an_expired_hold_binds_no_more_and_says_so(seeded: Seeded) -> None:
    """It alarms until somebody renews or releases it; renewed, it binds again."""
    with copied(seeded) as world:
        holds = world.runtime.control.holds
        keys = sorted(world.ids("select id from sessions"))
        soon = [
            world.hold(RowScope("sessions", (key,)), expires_at=wall() + timedelta(seconds=0.4)) for key in keys[:2]
        ]
        time.sleep(0.5)
        assert {hold.id for hold in holds.expired(wall())} == set(soon)
        holds.renew(soon[0], expires_at=None, by="staff-2", now=wall())
        assert [hold.id for hold in holds.live(wall())] == [soon[0]]
        world.sweep(LATER, "genuka/server_sessions").refuse_survivors()
        assert world.ids("select id from sessions") == {keys[0]}
        said = world.house.here("hold", "list", "--json")
        states = {one["hold"]: one["state"] for one in said.json["holds"]}
        assert states[soon[0]] == "binds"
        assert states[soon[1]].startswith("expired")
        assert not any(key in json.dumps(said.json) for key in keys[:2]), "no key is told"


def test_a_category_under_a_hold_lifts_at_once_for_rows_that_came_later(seeded: Seeded) -> None:
    """A hold on a category covers rows that did not exist when it was placed."""
    with copied(seeded) as world:
        hold = world.hold(CategoryScope("genuka/server_sessions"), kind="security", reason="security_incident")
        world.run("insert into sessions (id, last_activity, created_at) values ('late', 1767225600, '2026-01-01')")
        before = world.ids("select id from sessions")
        world.sweep(LATER, "genuka/server_sessions").refuse_survivors()
        assert world.ids("select id from sessions") == before
        world.release(hold)
        world.sweep(LATER, "genuka/server_sessions").refuse_survivors()
        assert world.ids("select id from sessions") == set()
