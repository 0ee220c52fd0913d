"""Rows that are destroyed by the transaction that read them: only these, whatever others do meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.control import Control, merkle_root
from genuka_pipelines.control.bodies import Done, Planned
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.scopes import RowScope
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits, windows
from genuka_pipelines.rows.destroying.evidence import Hasher, Meant, meant
from genuka_pipelines.rows.destroying.grip import Grip, looks_at_its_row_alone
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.mysql import writer as mysql
from tests.rows.destroyer import SmallHouse, control, keyring, wall
from tests.rows.test_destroying_crashes import CALM, FACTS, VISITS, destroyed, ids, stocked
from tests.systems.opened import fill, run

__all__ = ["control"]
PARTS = st.text(st.sampled_from('ab\\\x1e\x1f\n"é'), max_size=4)


@pytest.fixture
def house(database: Database, control: Control) -> SmallHouse:
    return SmallHouse(FACTS, control, keyring(), Databases(database))


@pytest.mark.parametrize("happens", ["nothing", "changes", "arrives", "goes", "swap", "all", "hold"])
def test_what_happens_between_the_look_and_the_deletion(
    database: Database, house: SmallHouse, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    kept, start = stocked(database, 1_000), house.control.ledger.head().seq
    statements = {
        "changes": "UPDATE visits SET seen_at = '2026-05-30 00:00:00' WHERE id = 'v000002'",
        "arrives": "INSERT INTO visits VALUES ('v000002b', 'a', '2026-01-01 00:00:00')",
        "goes": "DELETE FROM visits WHERE id = 'v000004'",
    }
    holds: list[str] = []
    intend = Ledger.intend

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        found = intend(*args, **kwargs)
        if happens == "hold" and not holds:
            scope = RowScope("visits", ("v000006",), "shop_database")
            hold = house.control.holds.add(
                scope, kind="hold", reason="legal_claim", reference="case-1", author="staff-1", now=wall(),
                keys=keyring(),
            )  # fmt: skip
            holds.append(hold.id)
        elif statements:
            chosen = {"all": set(statements), "swap": {"arrives", "goes"}}.get(happens, {happens})
            run(database, *(one for name, one in statements.items() if name in chosen))
            statements.clear()
        return found

    monkeypatch.setattr(Ledger, "intend", meanwhile)
    monkeypatch.setattr(windows, "_FEW", 100)
    outcome = house.apply(limits=Limits(first=5_000, window=5_000))
    for hold in holds:
        house.control.holds.release(hold, by="staff-1", now=wall())
    assert outcome.survivors == 0
    kept |= {"changes": {"v000002"}, "all": {"v000002"}, "hold": {"v000006"}}.get(happens, set())
    assert ids(database) == kept
    more = {"changes": -1, "arrives": 1, "goes": -1, "all": -1, "hold": -1}.get(happens, 0)
    assert outcome.deleted == destroyed(house.control, start) == 1_000 + more
    bodies = [entry.body for entry in house.control.ledger.entries(start)]
    first, done = [body for body in bodies if isinstance(body, Planned | Done)][:2]
    missing = {"nothing": 0, "arrives": 0, "all": 2}.get(happens, 1)
    assert isinstance(first, Planned)
    assert isinstance(done, Done)
    assert (done.count, done.root == first.root) == (first.count - missing, not missing)
    assert house.control.ledger.open_intents() == ()


def test_rows_are_taken_in_hand_where_the_server_can(
    database: Database, house: SmallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, used = stocked(database, 1_000), list[Grip]()
    acting = Grip.acting

    def seen(grip: Grip) -> Any:
        used.append(grip)
        return acting(grip)

    monkeypatch.setattr(Grip, "acting", seen)
    house.apply(limits=CALM)
    assert ids(database) == kept
    assert bool(used) == (database.dialect.name == "postgresql")
    assert not any(grip.open for grip in used)


def test_a_paused_sweep_leaves_no_transaction_open(database: Database, house: SmallHouse) -> None:
    if database.dialect.name != "postgresql":
        return
    kept, seen = stocked(database, 1_000), list[int]()

    def progress(line: Any) -> None:
        seen.append(line.deleted)
        if len(seen) == 2:
            house.control.pace.set(paused=True)

    sweep = threading.Thread(target=house.apply, kwargs={"limits": CALM, "progress": progress})
    sweep.start()
    while len(seen) < 2:
        time.sleep(0.01)
    time.sleep(0.4)
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    idle = database.scalar(sa.select(sa.text(query).columns(n=sa.Integer).scalar_subquery()))
    house.control.pace.set(paused=False)
    sweep.join()
    assert idle == 0
    assert ids(database) == kept


def test_a_predicate_that_asks_elsewhere_is_not_trusted_to_a_moment() -> None:
    visits, others = VISITS.c, VISITS.alias().c
    asked = sa.select(others.id)
    assert looks_at_its_row_alone((visits.id == "a") & sa.or_(visits.seen_at.is_(None), visits.id.in_(["b", "c"])))
    for elsewhere in (visits.id.in_(asked), asked.exists(), ~asked.exists(), visits.id == asked.scalar_subquery()):
        assert not looks_at_its_row_alone(sa.and_(visits.id == "a", sa.or_(sa.false(), elsewhere)))


def test_the_root_is_that_of_groups_of_rows_in_order() -> None:
    keys = [(f"k{number:04}", "x") for number in range(600)]
    texts = [f"k{number:04}\x1fx" for number in range(600)]
    groups = ["\x1e".join(texts[at : at + 256]) for at in (0, 256, 512)]
    secret = keyring().erasure._secret.reveal()
    leaves = [hmac.new(secret, f"\x1evisits\x1e{group}".encode(), hashlib.sha256).digest() for group in groups]
    assert Hasher(keyring()).root("visits", keys[::-1]) == merkle_root(leaves)
    assert Hasher(keyring()).root("visits", []) == hashlib.sha256().hexdigest()


@settings(max_examples=100)
@given(st.integers(1, 2).flatmap(lambda w: st.tuples(*[st.lists(st.tuples(*[PARTS] * w), max_size=3)] * 2)))
def test_other_rows_have_another_root(two: tuple[list[tuple[str, ...]], list[tuple[str, ...]]]) -> None:
    one, other = two
    roots = [Hasher(keyring()).root("visits", keys) for keys in two]
    assert (roots[0] == roots[1]) == (sorted(one) == sorted(other))


@settings(max_examples=50)
@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[PARTS] * width), max_size=3)))
def test_what_was_meant_can_be_read_again(keys: list[tuple[str, ...]]) -> None:
    said = Meant("shop_database", "visits", None, "delete", "request", tuple(keys))
    assert meant(said.sealed(keyring()), keyring()) == said


@pytest.mark.parametrize("longest", [2**30, 1024])
def test_values_with_any_sign_or_none_are_read_as_they_are(
    database: Database, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    monkeypatch.setattr(mysql, "_LONGEST", longest)
    plain = [{"id": f"v{number:04}", "company_id": "é"} for number in range(300)]
    odd = [{"id": "w\x1fx", "company_id": None}, {"id": "x", "company_id": "a\x1fb"}, {"id": "y", "company_id": ""}]
    table = database.table("visits")
    query = sa.select(table.c.id.label("a"), table.c.company_id.label("b")).order_by(table.c.id).limit(1_000)
    for rows in (plain, [*plain, *odd], odd, []):
        fill(database, VISITS, rows)
        with database.connected() as connection:
            found = database.writer.read(connection, query)
        assert [list(column) for column in found] == [[row[name] for row in rows] for name in ("id", "company_id")]
