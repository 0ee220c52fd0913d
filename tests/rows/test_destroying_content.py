"""What rows point at elsewhere goes before them, a little at a time, and only with the last row that names it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Control
from genuka_pipelines.control.scopes import RowScope
from genuka_pipelines.rows.content import ByHand, Failure, Reason
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Line, Outcome
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, control, keyring, wall
from tests.rows.shop import TENANTS, catalog, category, opened, plain
from tests.rows.test_destroying_crashes import CALM, destroyed
from tests.systems.opened import fill, run
from tests.systems.opened import opened as database_of

__all__ = ["control"]
FILMS = sa.Table(
    "films", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("reel", sa.String(40)), sa.Column("ended_at", sa.DateTime),
)  # fmt: skip
FACTS = catalog(
    films=category(
        {
            "films": {
                "columns": dict.fromkeys(["id", "reel", "ended_at"], "system"),
                "content": {"system": "vault", "key": "reel"},
                "retention": [{"name": "over", "keep": "P1M", "since": "ended_at", "clause": "SH-01"}],
            }
        }
    )
)
OLD, NEW = plain(2026, 1), plain(2026, 5, 30)


class Vault:
    """Reels, each of which may take its time, be stuck for a reason, or never be answered for."""

    def __init__(self, *, seconds: float = 0.0, stuck: Mapping[str, Reason] | None = None) -> None:
        self.seconds, self.stuck, self.mute = seconds, dict(stuck or {}), set[str]()
        self.gone: list[str] = []
        self.calls: list[int] = []
        self.after: Callable[[], object] = lambda: None

    def destroy(self, keys: Sequence[str]) -> Mapping[str, Failure | None]:
        self.calls.append(len(keys))
        answers: dict[str, Failure | None] = {}
        for key in keys:
            time.sleep(self.seconds)
            reason = self.stuck.get(key, self.stuck.get("*"))
            if key not in self.mute:
                answers[key] = Failure(reason, f"the vault is {reason}", "open_the_vault") if reason else None
                self.gone += [key] if reason is None else []
        self.after()
        return answers

    def remaining(self, keys: Sequence[str]) -> Mapping[str, bool | None]:
        return {key: key not in self.gone for key in keys}

    def check(self) -> str:
        return "a vault"


@pytest.fixture
def house(database: Database, control: Control) -> SmallHouse:
    return SmallHouse(FACTS, control, keyring(), Databases(database))


def stocked(database: Database, due: int, **changes: Any) -> None:
    """So many films that are due, each with a reel of its own, and one that is not."""
    rows = [{"id": number, "reel": f"r{number}", "ended_at": OLD} for number in range(due)]
    fill(database, FILMS, [*({**row, **changes} for row in rows), {"id": 9999, "reel": "kept", "ended_at": NEW}])


def swept(house: SmallHouse, vault: Any, **options: Any) -> Line:
    outcome: Outcome = house.apply(contents=lambda _: vault, **options)
    (line,) = (one for one in outcome.lines if one.database is None)
    return line


def ids(database: Database) -> set[int]:
    return {row[0] for row in database.rows(sa.select(database.table("films").c.id))}


def _hold(house: SmallHouse, row: int) -> str:
    return house.control.holds.add(
        RowScope("films", (str(row),), "shop_database"), kind="hold", reason="court_order", reference="case-3",
        author="staff-3", now=wall(), keys=keyring(),
    ).id  # fmt: skip


def test_a_hold_is_placed_while_a_slow_provider_destroys(database: Database, house: SmallHouse) -> None:
    stocked(database, 120)
    vault, lines = Vault(seconds=0.02), list[Line]()
    sweep = threading.Thread(target=lambda: lines.append(swept(house, vault)))
    sweep.start()
    while len(vault.gone) < 10:
        time.sleep(0.01)
    began = time.monotonic()
    last = max(ids(database) - {9999})  # read in the order of the key, so the last of them is far away yet
    hold = _hold(house, last)
    waited = time.monotonic() - began
    there = ids(database)
    sweep.join()
    assert last in there
    assert f"r{last}" not in vault.gone
    assert waited < 2, "a part of a second's work, not the whole batch"
    assert max(vault.calls) <= 50
    assert ids(database) == {last, 9999}
    assert (lines[0].deleted, lines[0].held, lines[0].survivors, lines[0].unknown) == (119, 1, 0, None)
    house.control.holds.release(hold, by="staff-3", now=wall())
    assert swept(house, vault).deleted == 1


def test_content_that_another_row_names_stays_until_the_last_of_them_goes(
    database: Database, house: SmallHouse
) -> None:
    rows = [(1, "both", OLD), (2, "both", NEW), (3, "pair", OLD), (4, "pair", OLD), (5, "Both", OLD), (6, None, OLD)]
    fill(database, FILMS, [{"id": one, "reel": reel, "ended_at": ended} for one, reel, ended in rows])
    vault = Vault()
    line = swept(house, vault)
    assert (line.deleted, line.unknown, ids(database)) == (5, None, {2})
    assert sorted(vault.gone) == ["Both", "pair"], "a key is another where a letter is"
    run(database, "UPDATE films SET ended_at = '2026-01-01'")
    assert swept(house, vault).survivors == 0
    assert sorted(vault.gone) == ["Both", "both", "pair"]


def test_content_that_a_row_of_another_database_names_stays(control: Control) -> None:
    with database_of("postgresql") as shared, database_of("postgresql") as own:
        registry = sa.Table("tenant_databases", sa.MetaData(), sa.Column("company_id", sa.String(26)),
                            sa.Column("mode", sa.String(20)), sa.Column("dsn_secret_ref", sa.String(20)))  # fmt: skip
        fill(shared, registry, [{"company_id": "a", "mode": "dedicated", "dsn_secret_ref": "a"}])
        fill(shared, sa.Table("companies", sa.MetaData(), sa.Column("id", sa.String(26))), [{"id": "a"}])
        fill(shared, FILMS, [{"id": 5, "reel": "5", "ended_at": OLD}, {"id": 6, "reel": "6", "ended_at": OLD}])
        fill(own, FILMS, [{"id": 5, "reel": "5", "ended_at": NEW}])
        films = {**FACTS.categories["shop/films"].tables["films"].model_dump(exclude_unset=True), "tenant": "id"}
        facts = catalog(films=category({"films": films}, role="processor", opt_in="analytics"))
        databases = opened(shared, {"a": own.url})
        databases.declared = TENANTS.model_copy(update={"consents": None})
        vault = Vault()
        swept(SmallHouse(facts, control, keyring(), databases), vault)
        databases.close()
        assert vault.gone == ["6"], "two databases count their rows alike, and share one store"


@pytest.mark.parametrize("as_a_whole", [True, False])
def test_what_only_people_can_destroy_waits_for_them(database: Database, house: SmallHouse, as_a_whole: bool) -> None:
    stocked(database, 4)
    run(database, "UPDATE films SET reel = '' WHERE id = 3")
    contents: Any = ByHand("vault", "open_the_vault") if as_a_whole else Vault(stuck={"*": "by_hand"})
    start = house.control.ledger.head().seq
    outcome = house.apply(contents=lambda _: contents)
    (line,) = outcome.lines
    assert (line.deleted, line.by_hand, line.procedure) == (1, 3, "open_the_vault")
    assert (line.survivors, line.unknown, outcome.complete, outcome.by_hand) == (0, None, True, 3)
    assert ids(database) == {0, 1, 2, 9999}
    assert destroyed(house.control, start) == 1
    assert house.control.ledger.open_intents() == ()
    if as_a_whole:
        head = house.control.ledger.head().seq
        assert swept(house, contents).by_hand == 3
        assert house.control.ledger.head().seq == head, "nothing is meant that nobody can do"


def test_what_is_surely_still_there_closes_the_intention(database: Database, house: SmallHouse) -> None:
    stocked(database, 6)
    start = house.control.ledger.head().seq
    line = swept(house, Vault(stuck={"r2": "locked", "r4": "still_there"}))
    assert (line.deleted, line.survivors) == (4, 2)
    assert "the vault is" in str(line.unknown)
    assert house.control.ledger.open_intents() == ()
    assert destroyed(house.control, start) == 4


@pytest.mark.parametrize("how", ["unreachable", "out_of_time", "mute"])
def test_where_nobody_knows_the_intention_stays_open_until_somebody_looked(
    database: Database, house: SmallHouse, how: Any
) -> None:
    stocked(database, 6)
    start, vault = house.control.ledger.head().seq, Vault(stuck={} if how == "mute" else {"r2": how})
    vault.mute = {"r2"} if how == "mute" else set()
    line = swept(house, vault)
    assert (line.deleted, line.survivors, ids(database)) == (5, 1, {2, 9999})
    assert line.unknown
    assert len(house.control.ledger.open_intents()) == 1
    assert swept(house, Vault()).survivors == 0
    assert ids(database) == {9999}
    assert destroyed(house.control, start) == 6, "each row in one outcome, and only in one"
    assert house.control.ledger.open_intents() == ()
    assert house.control.ledger.verify().problems == ()


@pytest.mark.parametrize("raised", [True, False])
def test_rows_of_an_open_intention_are_in_no_other(database: Database, control: Control, raised: bool) -> None:
    """Two rules end the same row; the first leaves its intention open, and the provider is well again."""
    table = FACTS.categories["shop/films"].tables["films"].model_dump(exclude_unset=True)
    second = {**table["retention"][0], "name": "again", "keep": "P2M"}
    facts = catalog(films=category({"films": {**table, "retention": [table["retention"][0], second]}}))
    house = SmallHouse(facts, control, keyring(), Databases(database))
    stocked(database, 4)
    start, vault = control.ledger.head().seq, Vault(stuck={"r2": "unreachable"})

    def healed() -> None:
        vault.stuck = {}
        if raised:
            vault.after = lambda: None
            raise GenukaError("the vault breaks down")

    vault.after = healed
    house.apply(contents=lambda _: vault)
    assert len(control.ledger.open_intents()) == 1
    assert ids(database) == ({0, 1, 2, 3, 9999} if raised else {2, 9999})
    assert house.apply(contents=lambda _: vault).complete
    assert ids(database) == {9999}
    assert destroyed(control, start) == 4, "each row in one outcome, and only in one"


def test_a_provider_that_is_down_is_not_asked_for_every_row(database: Database, house: SmallHouse) -> None:
    stocked(database, 300)
    start, vault = house.control.ledger.head().seq, Vault(stuck={"*": "unreachable"})
    line = swept(house, vault, limits=CALM)
    assert (line.deleted, line.survivors, line.unknown) == (0, 300, "the vault is unreachable")
    assert sum(vault.calls) < 20
    assert len(house.control.ledger.open_intents()) == 1
    assert swept(house, Vault(), limits=CALM).survivors == 0
    assert destroyed(house.control, start) == 300


class Limited(Vault):
    """A provider that now and then has no time, and lets itself be told how long we wait."""

    def within(self, seconds: float) -> Limited:
        assert seconds < 60, "whoever places a hold waits a minute at most"
        return self

    def destroy(self, keys: Sequence[str]) -> Mapping[str, Failure | None]:
        self.stuck = dict.fromkeys(keys[1:], "out_of_time") if not self.calls else {}
        return super().destroy(keys)


def test_keys_that_a_provider_had_no_time_for_are_tried_again(database: Database, house: SmallHouse) -> None:
    stocked(database, 5)
    line = swept(house, Limited())
    assert (line.deleted, line.survivors, line.unknown) == (5, 0, None)
    assert house.control.ledger.open_intents() == ()


def test_a_hold_that_came_too_late_for_the_content_is_told(database: Database, house: SmallHouse) -> None:
    stocked(database, 3)
    engine, vault = sa.create_engine(database.url), Vault()
    other = engine.connect()
    other.exec_driver_sql("SELECT id FROM films WHERE id = 1 FOR UPDATE")
    held: list[str] = []

    def later(line: Line) -> None:
        if line.deleted == 2 and not held:
            held.append(_hold(house, 1))

    try:
        line = swept(house, vault, progress=later)
    finally:
        other.rollback()
        engine.dispose()
        house.control.holds.release(held[0], by="staff-3", now=wall())
    assert ids(database) == {1, 9999}
    assert "r1" in vault.gone
    assert "destroyed just before" in str(line.unknown)
    assert "r1" not in str(line.unknown)


def test_a_pause_and_a_limit_of_time_are_heeded_between_parts(database: Database, house: SmallHouse) -> None:
    from dataclasses import replace

    stocked(database, 100)
    line = swept(house, Vault(seconds=0.05), limits=replace(CALM, seconds=1.5))
    assert line.deleted < 90
    assert line.capped == line.survivors == 100 - line.deleted
    assert house.control.ledger.open_intents() == ()


@pytest.fixture(autouse=True)
def _all_closed(control: Control) -> Iterator[None]:
    yield
    assert control.ledger.open_intents() == ()
