from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.backups.errors import NotErasedYet
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring import (
    Instruction,
    Reach,
    Restored,
    opened_backups,
    plan_of,
    restore,
    targets_in,
)
from genuka_pipelines.backups.restoring.quarantine import MARK, close_abandoned
from genuka_pipelines.backups.restoring.replaying import Live, verdict
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.control import Erasure, Planned, RecoveryInstructed, RowScope
from genuka_pipelines.control import Restored as RestoredBody
from genuka_pipelines.control.cuts import Cut, hashed
from genuka_pipelines.rows.correcting import without
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.selection import OfPerson
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable
from tests.backups.taken import (
    COMPANIES,
    CUSTOMERS,
    LINES,
    ORDERS,
    OWN,
    SYSTEM,
    BackedHouse,
    Taker,
    backed_house,
    drop,
    fill,
    rows_in,
)
from tests.rows.destroyer import QUICK
from tests.servers import fresh_database
from tests.systems.opened import KINDS

NOW = datetime.now(UTC).replace(microsecond=0)
TAKEN = NOW - timedelta(hours=3)
SINCE = NOW - timedelta(minutes=30)


TENANTS = ("asked", "anew", "back", "ours", "overdue", "held", "stuck", "moved", "said", "kept")
"""One for each test, for what the list of erasures once held it never forgets."""


one_kind = pytest.mark.parametrize("house", ["postgresql"], indirect=True)
"""For what the engine's own tests show on every server."""


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest) -> Iterator[BackedHouse]:
    with backed_house(request.param) as found:
        for tenant in TENANTS:
            found.run(COMPANIES.insert().values(id=tenant, name=tenant))
            fill(found, tenant)
        late = Period("P1M").cutoff(NOW) - timedelta(hours=1)
        found.run(CUSTOMERS.update().where(CUSTOMERS.c.id == "overdue-c0").values(deleted_at=_plain(late)))
        for tenant in ("said", "kept"):
            for number, key in enumerate(orders_of(found, tenant)):
                found.run(ORDERS.update().where(ORDERS.c.id == key).values(note=SAYING[number % len(SAYING)]))
        Taker(found).night(TAKEN, regions=["france"])
        yield found


ANN, BEN = "ann.léa@example.org", "+237699001122"
SAYING = (
    f"write to {ANN.upper()}, or call {BEN}\n",
    '{"by": "ann.l\\u00e9a@example.org", "n": 10000000000000000000}',
    f"Ben again: {BEN}9 or {BEN}",
    f"({ANN}), not x{ANN} and {ANN.replace('@', '@not.')}",
)
"""Texts that contain the address, in its letters or in JSON's, the number beside a longer one, and alike addresses."""


def orders_of(house: BackedHouse, tenant: str) -> list[int]:
    found = rows_in(house.shared.url, ORDERS, "id", "company_id")
    return sorted(key for key, whose in found if whose == tenant)


def cut(house: BackedHouse, keys: Sequence[int], *needles: str, at: datetime = SINCE, **given: str) -> None:
    """Addresses that were taken out of the notes of orders."""
    place = {"table": "orders", "column": "note", "system": SYSTEM, **given}
    rows = [house.keyring.erasure.hex(f"orders\x1f{key}".encode()) for key in keys]
    addresses = [hashed(needle, house.keyring.erasure) for needle in needles]
    house.control.cuts.record(Cut(row=row, address=one, at=at, **place) for row in rows for one in addresses)


@contextmanager
def restored(
    house: BackedHouse, tenant: str, *, table: str | None = None, **options: Any
) -> Iterator[tuple[Restored, sa.URL]]:
    opened = opened_backups(Reach.of(house, NOW), "table" if table else "tenant", tenant=tenant)
    plan = plan_of(opened, table=table)
    with fresh_database(house.kind) as url:
        into = targets_in(plan, url)
        try:
            found = restore(house, plan, opened.backups, into, clock=lambda: datetime.now(UTC), **options)
            yield found, url
        finally:
            for target in into.values():
                if target.url != url:
                    drop(house.kind, str(target.url.database))


def listed(house: BackedHouse, table: str, *keys: str, at: datetime = SINCE, **given: str) -> None:
    """Rows that were erased: by a request, unless something else is said."""
    given.setdefault("origin", "request")
    rows = [house.keyring.erasure.hex(f"{table}\x1f{key}".encode()) for key in keys]
    house.control.erasures.record(Erasure(row=row, table=table, system=SYSTEM, at=at, **given) for row in rows)


def erased(house: BackedHouse, customer: str) -> None:
    """A person's request, as the one engine fulfils it on live rows."""
    from genuka_pipelines.rows.destroying import apply

    chosen = OfPerson({"shopper": (customer,)})
    outcome = apply(chosen, house, SYSTEM, as_of=NOW, clock=lambda: datetime.now(UTC), limits=QUICK)
    assert (outcome.survivors, outcome.complete) == (0, True)


def test_who_was_erased_since_does_not_come_back(house: BackedHouse) -> None:
    """The customer goes, what the orders say of the customer too; live rows, list and open work are left alone."""
    erased(house, "asked-c1")
    live = rows_in(house.shared.url, ORDERS, "id", "customer_id")
    count, seq = house.control.erasures.count(), house.control.ledger.head().seq
    with restored(house, "asked") as (outcome, url):
        assert rows_in(url, CUSTOMERS, "id") == {"asked-c0", "asked-c2", "asked-c3"}
        theirs = {row for row in live if row[0] in rows_in(url, ORDERS, "id")}
        assert rows_in(url, ORDERS, "id", "customer_id") == theirs
        assert (outcome.passed.erased, outcome.passed.kept) == (3, 0)
    assert rows_in(house.shared.url, ORDERS, "id", "customer_id") == live
    assert house.control.erasures.count() == count
    bodies = [entry.body for entry in house.control.ledger.entries(seq)]
    assert all(body.rule.startswith(MARK) for body in bodies if isinstance(body, Planned))
    assert house.control.ledger.open_intents() == ()


@one_kind
def test_a_row_written_anew_after_its_erasure_and_before_the_backup_stays(house: BackedHouse) -> None:
    listed(house, "customers", "anew-c0", at=TAKEN - timedelta(hours=2))
    listed(house, "customers", "anew-c1", at=TAKEN - timedelta(minutes=50))
    with restored(house, "anew") as (outcome, url):
        assert rows_in(url, CUSTOMERS, "id") == {"anew-c0", "anew-c2", "anew-c3"}
        assert outcome.passed.erased >= 1


def test_what_was_taken_back_in_the_application_stays_unless_nobody_can_ask(
    house: BackedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """c0 was deleted and taken back, c1 is marked, c2 is gone; c3 was erased on request, and yet is there."""
    listed(house, "customers", "back-c0", "back-c1", "back-c2", origin="person")
    listed(house, "customers", "back-c3")
    house.run(
        ORDERS.update().where(ORDERS.c.customer_id == "back-c2").values(customer_id=None),
        CUSTOMERS.delete().where(CUSTOMERS.c.id == "back-c2"),
        CUSTOMERS.update().where(CUSTOMERS.c.id == "back-c1").values(deleted_at=dt.datetime(2026, 11, 1)),
    )
    with restored(house, "back") as (outcome, url):
        assert rows_in(url, CUSTOMERS, "id") == {"back-c0"}
        assert outcome.passed.undone == 1

    def gone(*_: object) -> None:
        raise DatabaseUnreachable("nobody answers")

    monkeypatch.setattr(Databases, "homes", _when_live(house, Databases.homes, gone))
    with restored(house, "back") as (outcome, url):
        assert rows_in(url, CUSTOMERS, "id") == set()
        assert outcome.passed.undone == 0


def _when_live(house: BackedHouse, real: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *given: instead() if self is house.opened else real(self, *given)


@one_kind
def test_a_tenant_s_own_deletions_come_back_on_its_instruction_and_no_person_s(house: BackedHouse) -> None:
    (first, second, *_) = sorted(
        row[0] for row in rows_in(house.shared.url, ORDERS, "id", "company_id") if row[1] == "ours"
    )
    listed(house, "orders", str(first), origin="tenant")
    listed(house, "orders", str(second), origin="tenant")
    listed(house, "orders", str(second), origin="person")
    house.run(LINES.delete().where(LINES.c.order_id.in_([first, second])))
    house.run(ORDERS.delete().where(ORDERS.c.id.in_([first, second])))
    with restored(house, "ours") as (outcome, url):
        assert not {first, second} & rows_in(url, ORDERS, "id")
        assert outcome.passed.recovered == 0
    with restored(house, "ours", recover=Instruction("ours", "staff:7")) as (outcome, url):
        assert {first, second} & rows_in(url, ORDERS, "id") == {first}
        assert outcome.passed.recovered == 1
    (said,) = (e for e in house.control.ledger.latest(RecoveryInstructed))
    assert said.body.owner == owner_of("ours", house.keyring).id
    assert "staff" not in said.body.canonical().replace("staff:7", "staff")
    with (
        pytest.raises(NotErasedYet, match="one tenant's"),
        restored(house, "ours", recover=Instruction("other", "staff:7")),
    ):
        pass


@one_kind
def test_what_is_overdue_by_now_goes_before_anybody_sees_it(house: BackedHouse) -> None:
    """Deleted in the application a month ago: not overdue when the backup was made, and overdue now."""
    with restored(house, "overdue") as (outcome, url):
        assert rows_in(url, CUSTOMERS, "id") == {"overdue-c1", "overdue-c2", "overdue-c3"}
        assert None in rows_in(url, ORDERS, "customer_id")
        assert outcome.passed.swept == 3
    assert "overdue-c0" in rows_in(house.shared.url, CUSTOMERS, "id")


@one_kind
def test_a_held_row_stays_and_is_counted(house: BackedHouse) -> None:
    listed(house, "customers", "held-c0", "held-c1")
    house.control.holds.add(
        RowScope(system=SYSTEM, table="customers", key=("held-c0",)), keys=house.keyring, kind="dispute",
        reason="legal_claim", reference="case/2026-7", author="staff:4", now=datetime.now(UTC),
    )  # fmt: skip
    with restored(house, "held") as (outcome, url):
        assert "held-c0" in rows_in(url, CUSTOMERS, "id")
        assert "held-c1" not in rows_in(url, CUSTOMERS, "id")
        # The orders of a held customer are kept as they are, too.
        assert outcome.passed.kept == 3


@one_kind
def test_what_cannot_be_erased_is_never_published(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(house, "customers", "stuck-c0")
    opened = opened_backups(Reach.of(house, NOW), "tenant", tenant="stuck")
    seq = house.control.ledger.head().seq
    real = Database.stream

    def broken(self: Database, *given: Any, **more: Any) -> Any:
        if "restoring" in str(self.url):
            raise DatabaseUnreachable("lost")
        return real(self, *given, **more)

    with fresh_database(house.kind) as url:
        target = targets_in(plan_of(opened), url)
        for harm in ("unreadable", "survives"):
            with monkeypatch.context() as patch:
                if harm == "unreadable":
                    patch.setattr(Database, "stream", broken)
                    refusal: type[Exception] = DatabaseUnreachable
                else:
                    patch.setattr("genuka_pipelines.rows.destroying.work.Work._act", lambda *_: None)
                    refusal = NotErasedYet
                with pytest.raises(refusal):
                    restore(house, plan_of(opened), opened.backups, target, clock=lambda: datetime.now(UTC))
            with Database(url, name="target") as database:
                assert database.tables() == {}
    kinds = {entry.body.kind for entry in house.control.ledger.entries(seq)}
    assert "restored" not in kinds


def test_an_address_that_was_cut_since_goes_from_the_restored_texts_again(house: BackedHouse) -> None:
    """Of four rows that were cut each loses the address that was cut in it; what was cut before the backup stays."""
    both, json, number, inside, *others = orders_of(house, "said")
    cut(house, [both, json, inside], ANN)
    cut(house, [number], BEN)
    cut(house, others, ANN, BEN, at=TAKEN - timedelta(hours=2))
    cut(house, others, ANN, BEN, database="another")
    cut(house, [both], "somebody@example.org")
    for table in (None, "orders"):
        with restored(house, "said", table=table) as (outcome, url):
            notes = dict(rows_in(url, ORDERS, "id", "note"))
            assert notes[both] == f"write to [erased], or call {BEN}\n"
            assert notes[json] == '{"by": "[erased]", "n": 10000000000000000000}'
            assert notes[number] == f"Ben again: {BEN}9 or [erased]"
            assert notes[inside] == f"([erased]), not x{ANN} and {ANN.replace('@', '@not.')}"
            assert [notes[key] for key in others] == list(SAYING)
            assert outcome.passed.cut == 4
    (said,) = (entry.body for entry in house.control.ledger.latest(RestoredBody) if entry.seq == outcome.receipt)
    assert said.cut == 4


@one_kind
def test_a_text_that_keeps_the_address_is_never_published(house: BackedHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(house, orders_of(house, "kept"), ANN)
    with monkeypatch.context() as patch:
        patch.setattr("genuka_pipelines.backups.restoring.cutting.correct", lambda *_: ())
        with (
            pytest.raises(NotErasedYet, match=r"orders\.note .* still says"),
            restored(house, "kept"),
        ):
            pass
    house.run("ALTER TABLE orders RENAME COLUMN note TO message")
    try:
        cut(house, orders_of(house, "kept"), ANN, column="message")
        with restored(house, "kept") as (outcome, url):
            assert all(without([ANN])(note) == note for note in rows_in(url, ORDERS, "note"))
            assert outcome.passed.cut
    finally:
        house.run("ALTER TABLE orders RENAME COLUMN message TO note")


@one_kind
def test_a_tenant_that_moved_takes_its_erasures_along(house: BackedHouse) -> None:
    """The customer was erased in a database of its own; the backup is of the shared one, and the other way round."""
    listed(house, "customers", "moved-c0", database="moved")
    numbers = sorted(rows_in(house.shared.url, ORDERS, "id", "company_id"))
    first = next(number for number, tenant in numbers if tenant == "moved")
    listed(house, "orders", str(first), database="moved")
    with restored(house, "moved") as (_, url):
        assert rows_in(url, CUSTOMERS, "id") == {"moved-c1", "moved-c2", "moved-c3"}
        # A number may be another row's there.
        assert first in rows_in(url, ORDERS, "id")
    listed(house, "customers", f"{OWN}-c0")
    with restored(house, OWN) as (_, url):
        assert rows_in(url, CUSTOMERS, "id") == {f"{OWN}-c1", f"{OWN}-c2", f"{OWN}-c3"}


@one_kind
def test_erased_rows_of_a_table_that_nothing_declares_any_more_stop_the_restore(house: BackedHouse) -> None:
    opened = opened_backups(Reach.of(house, NOW), "platform")
    listed(house, "jobs", "1")
    with fresh_database(house.kind) as url:
        into = targets_in(plan_of(opened), url)
        with pytest.raises(NotErasedYet, match="jobs"):
            restore(house, plan_of(opened), opened.backups, into, clock=lambda: datetime.now(UTC))


@one_kind
def test_what_a_killed_restore_meant_is_closed_later(house: BackedHouse) -> None:
    planned = Planned(rule=f"{MARK}shop/all/orders.rows", table="orders", count=3, root="a" * 64)
    other = planned.model_copy(update={"rule": "shop/all/orders.rows"})
    ledger, long_ago = house.control.ledger, datetime.now(UTC) - timedelta(days=2)
    mine = [ledger.intend(planned, as_of=moment, now=datetime.now(UTC)) for moment in (long_ago, datetime.now(UTC))]
    live = ledger.intend(other, as_of=long_ago, now=datetime.now(UTC))
    assert close_abandoned(house.control, datetime.now(UTC)) == 1
    assert {intent.seq for intent in ledger.open_intents()} == {mine[1].seq, live.seq}
    for intent in (mine[1], live):
        ledger.outcome(intent, count=0, root="a" * 64, as_of=NOW, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("origins", "live", "recover", "expected"),
    [
        ({"request"}, None, False, "erase"),
        ({"request"}, Live(False, True, True), True, "erase"),
        ({"request"}, Live(False, False, True), False, "blank"),
        ({"tenant_end"}, Live(False, True, True), True, "erase"),
        ({"person"}, Live(False, True, True), False, "undone"),
        ({"person"}, Live(True, True, True), True, "erase"),
        ({"person"}, Live(False, False, True), False, "blank"),
        ({"person", "request"}, Live(False, True, True), True, "erase"),
        ({"tenant"}, None, True, "recovered"),
        ({"tenant"}, None, False, "erase"),
        ({"tenant"}, Live(False, False, False), False, "undone"),
        ({"tenant", "person"}, None, True, "erase"),
        ({"tenant", "tenant_end"}, None, True, "erase"),
    ],
)
def test_who_may_come_back(origins: set[Any], live: Live | None, recover: bool, expected: str) -> None:
    assert verdict(origins, live, recover=recover) == expected


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
