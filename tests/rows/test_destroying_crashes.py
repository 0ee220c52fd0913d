"""A sweep killed at any point, and one that holds arrive during: the ledger is right and no held row is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import Control, open_control
from genuka_pipelines.control.bodies import Done
from genuka_pipelines.control.scopes import RowScope, Scope, TenantScope
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, control, keyring, wall
from tests.rows.shop import catalog, category, plain
from tests.systems.opened import fill

__all__ = ["control"]
VISITS = sa.Table(
    "visits", sa.MetaData(), sa.Column("id", sa.String(26), primary_key=True), sa.Column("company_id", sa.String(26)),
    sa.Column("seen_at", sa.DateTime),
)  # fmt: skip
FACTS = catalog(
    visits=category(
        {
            "visits": {
                "tenant": "company_id",
                "columns": dict.fromkeys(["id", "company_id", "seen_at"], "system"),
                "retention": [{"name": "over", "keep": "P1M", "since": "seen_at", "clause": "SH-01"}],
            }
        }
    )
)
CALM = Limits(first=100, least=20, most=100, window=900, lease=timedelta(seconds=10))
SMALL = Limits(first=100, least=20, most=100, window=900, lease=timedelta(milliseconds=250))


@pytest.fixture
def house(database: Database, control: Control) -> SmallHouse:
    databases = Databases(database)
    return SmallHouse(FACTS, control, keyring(), databases)


def stocked(database: Database, due: int) -> set[str]:
    """So many visits that are due, as many that are not; the ids of these."""
    old, new = plain(2026, 1), plain(2026, 5, 30)
    rows = [
        {"id": f"v{number:06}", "company_id": "abc"[number % 3], "seen_at": new if number % 2 else old}
        for number in range(2 * due)
    ]
    fill(database, VISITS, rows)
    return {str(row["id"]) for row in rows if row["seen_at"] == new}


def ids(database: Database) -> set[str]:
    return {row[0] for row in database.rows(sa.select(database.table("visits").c.id))}


def destroyed(control: Control, after: int) -> int:
    return sum(entry.body.count for entry in control.ledger.entries(after) if isinstance(entry.body, Done))


def _sweep_in_a_process(house: SmallHouse, limits: Limits) -> int:
    child = os.fork()
    if child:
        return child
    try:
        # The parent's connections are not ours.
        url = house.control._database.engine.url.render_as_string(hide_password=False)
        with open_control(url) as control, Database(house.opened.shared.url, name=house.opened.name) as own:
            SmallHouse(house.catalog, control, house.keyring, Databases(own)).apply(limits=limits)
    finally:
        os._exit(0)


def test_a_sweep_killed_anywhere_is_finished_by_the_next(
    database: Database, house: SmallHouse, rounds: int, seed: int
) -> None:
    chance = random.Random(seed)
    kept, start, kills = stocked(database, 3_000), house.control.ledger.head().seq, 0
    for _ in range(max(2, rounds // 2)):
        if len(ids(database)) < len(kept) + 500:
            _finished(database, house, kept, start, 3_000)
            kept, start = stocked(database, 3_000), house.control.ledger.head().seq
        before = house.control.ledger.head().seq
        child = _sweep_in_a_process(house, SMALL)
        while house.control.ledger.head().seq == before:
            time.sleep(0.005)
            if os.waitpid(child, os.WNOHANG)[0]:
                break
        else:
            time.sleep(chance.random() * 0.12)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
        assert kept <= ids(database)
    assert kills > 1
    _finished(database, house, kept, start, 3_000)


def _finished(database: Database, house: SmallHouse, kept: set[str], start: int, due: int) -> None:
    outcome = house.apply(limits=CALM)
    assert outcome.complete, outcome
    assert outcome.survivors == 0
    assert ids(database) == kept
    assert destroyed(house.control, start) == due, "each row is in one outcome, and only in one"
    assert house.control.ledger.open_intents() == ()
    assert house.control.ledger.verify().problems == ()


def test_no_row_is_lost_once_its_hold_is_placed(database: Database, house: SmallHouse, rounds: int, seed: int) -> None:
    chance, placed = random.Random(seed), 0
    while placed < rounds // 2:
        stocked(database, 1_500)
        failures: list[BaseException] = []
        sweep = threading.Thread(target=_caught, args=(house, failures))
        sweep.start()
        bound: list[tuple[str, set[str]]] = []
        while sweep.is_alive() and len(bound) < 6:
            time.sleep(chance.random() * 0.08)
            row = f"v{2 * chance.randrange(1_500):06}"
            scope: Scope = RowScope("visits", (row,), "shop_database") if chance.random() < 0.8 else TenantScope("b")
            hold = house.control.holds.add(
                scope, kind="hold", reason="court_order", reference="case-2", author="staff-2", now=wall(),
                keys=keyring(),
            )  # fmt: skip
            there = ids(database)
            bound.append((hold.id, there & {row} if isinstance(scope, RowScope) else _of(database, "b")))
        sweep.join()
        assert not failures, failures
        left = ids(database)
        for hold_id, held in bound:
            assert held <= left
            house.control.holds.release(hold_id, by="staff-2", now=wall())
        placed += len(bound)
        again = house.apply()
        assert again.complete
        assert len(ids(database)) == 1_500, "lifting a hold resumes, at once"


def _of(database: Database, tenant: str) -> set[str]:
    table = database.table("visits")
    return {row[0] for row in database.rows(sa.select(table.c.id).where(table.c.company_id == tenant))}


def _caught(house: SmallHouse, failures: list[BaseException]) -> None:
    try:
        outcome: Any = house.apply(limits=CALM)
        assert outcome.complete, outcome
        assert outcome.survivors == 0, outcome
    except BaseException as error:  # noqa: BLE001
        failures.append(error)
