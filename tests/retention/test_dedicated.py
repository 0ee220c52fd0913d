"""A dedicated database is announced, waits for all that it must, is emptied and dropped, once and for the right one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.control import Busy, CategoryScope, Control, RowScope, Scope, SubjectScope, TenantScope
from genuka_pipelines.control.bodies import NoticeIssued
from genuka_pipelines.retention import dedicated, dropped
from genuka_pipelines.rows.destroying import apply
from genuka_pipelines.rows.selection import Due
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable
from tests.retention.house import (
    DAY,
    ORDERS,
    QUICK,
    TENANTS,
    ShopHouse,
    facts,
    is_there,
    photo_key,
    shop_house,
    stock,
    ulid,
)
from tests.rows.destroyer import keyring, wall
from tests.servers import Kind
from tests.systems.opened import run

ENDED = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
END = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
LONG_AGO = datetime(2025, 12, 1, tzinfo=UTC)


on_both = pytest.mark.parametrize("kind", ["postgresql", "mariadb"])


@pytest.fixture
def kind() -> Kind:
    """PostgreSQL, unless the test is `on_both`."""
    return "postgresql"


class Own:
    """Tenant `acme` with a database of its own that ends at END and was backed up; `zeta` with one that goes on."""

    def __init__(self, house: ShopHouse, number: int) -> None:
        self.house, self.acme, self.zeta = house, f"acme{number}", f"zeta{number}"
        stock(self.address("A"), self.acme, LONG_AGO)
        stock(self.address("Z"), self.zeta, LONG_AGO, first=100)
        for photo in range(5):
            house.stores["media_store"].put(photo_key(photo), b"jpeg")
        self.register()
        house.copies[self.acme] = ENDED + DAY

    def register(self, ref: str = "A", **acme: object) -> None:
        line = {"company_id": self.acme, "dsn_secret_ref": ref, "last_used_at": LONG_AGO} | {
            "subscription_ended_at": ENDED, **acme}  # fmt: skip
        other = {"company_id": self.zeta, "dsn_secret_ref": "Z", "last_used_at": ENDED}
        self.house.register(line, other)

    def address(self, ref: str) -> sa.URL:
        url_of = self.house.opened["shop_database"]._url_of
        assert url_of is not None
        return url_of(ref)

    def orders(self, ref: str = "A") -> int:
        with Database(self.address(ref), name="own") as database:
            return database.count(database.table("orders"))

    def there(self, ref: str = "A") -> bool:
        return is_there(self.address(ref))

    def photos(self) -> int:
        return len(list(self.house.stores["media_store"].list(versions=True)))

    def dropped_at(self) -> datetime | None:
        table = self.house.shared.table("tenant_databases")
        (found,) = self.house.shared.rows(sa.select(table.c.dropped_at).where(table.c.company_id == self.acme))
        moment: datetime | None = found[0]
        return moment

    def step(self, as_of: datetime, **options: Any) -> str:
        return self.house.step(self.acme, as_of, **options)

    def told(self, as_of: datetime = END) -> datetime:
        """Announce the end late and send it; the moment from which the database may go."""
        self.step(as_of)
        self.house.sent()
        return max(as_of, wall()) + DAY + timedelta(minutes=1)

    def asks(self) -> datetime:
        """The tenant asks for the end before it has come; when it may go."""
        self.register(asked_at=END - 20 * DAY)
        return END - 19 * DAY

    def hold(self, scope: Scope) -> str:
        return self.house.control.holds.add(
            scope, kind="dispute", reason="legal_claim", reference="case-1", author="s1", now=wall(), keys=keyring()
        ).id

    def is_gone(self, outcomes: int = 1) -> None:
        """Dropped with its photos and dated, with the one outcome; the other tenant's is as it was."""
        assert not self.there()
        assert self.photos() == 0
        assert self.dropped_at() is not None
        assert self.orders("Z") == 5
        ledger = self.house.control.ledger
        assert ledger.open_intents() == ()
        assert ledger.verify().problems == ()
        drops = [done.count for done in self.house.outcomes(self.start) if done.table == "tenant_databases"]
        assert sum(drops) == 1, drops
        rows = [done.count for done in self.house.outcomes(self.start) if done.table in ("orders", "photos")]
        assert sum(rows) == 10, rows
        assert self.house.control.erasures.count() >= 10
        homes = self.house.databases("shop_database").homes(self.house.catalog, END)
        assert homes.unknown == {}, "a dropped database is no longer looked for"
        assert self.acme not in self.house.end(END + 400 * DAY), "and never ends again"

    @property
    def start(self) -> int:
        return self._start

    _start = 0


_NUMBERS = itertools.count(1)


@pytest.fixture
def own(kind: Kind, control: Control, tmp_path: Path) -> Iterator[Own]:
    with shop_house(kind, control, tmp_path, facts(), dedicated=("A", "Z")) as made:
        found = Own(made, next(_NUMBERS))
        found._start = control.ledger.head().seq
        yield found
        for hold in control.holds.all():
            if hold.released_at is None:
                control.holds.release(hold.id, by="s1", now=wall())
        made.sent()


@on_both
def test_an_end_is_announced_three_times_and_anew_when_it_moves(own: Own) -> None:
    def notices(*days: float) -> list[str | None]:
        return [own.house.end(END - timedelta(days=left))[own.acme].notice for left in days]

    assert notices(31, 30, 29.9, 8, 7, 6.5, 1, 0.5) == [None, "P30D", None, None, "P7D", None, "P1D", None]
    issued = own.house.control.notices.issued("shop/register.tenant_databases.last_use", own.acme)
    assert {notice.due_at for notice in issued} == {END}
    said = [e.body for e in own.house.control.ledger.entries(own.start) if isinstance(e.body, NoticeIssued)]
    assert [body.days for body in said] == [30, 7, 1]
    assert own.acme not in repr(said)
    # the tenant came back for a while: the new end is announced from the start
    own.register(last_used_at=ENDED + 60 * DAY)
    moved = Period("P4M").end(ENDED + 60 * DAY)
    assert [own.house.end(moved - timedelta(days=left))[own.acme].notice for left in (31, 30, 7, 1)] == [
        None, "P30D", "P7D", "P1D"]  # fmt: skip
    assert own.house.end(END)[own.acme].step == "not due"


def test_a_late_first_run_gives_the_shortest_notice_its_time(own: Own) -> None:
    late = wall() - 2 * DAY
    first = own.house.end(late)[own.acme]
    assert (first.step, first.notice) == ("waits for its notice", "P1D")
    again = own.house.end(late + DAY)[own.acme]
    assert (again.step, again.notice) == ("waits for its notice", None), "it was never sent"
    own.house.sent()
    assert own.step(wall() + DAY - timedelta(minutes=1)) == "waits for its notice"
    assert own.step(wall() + DAY + timedelta(minutes=1)) == "dropped"
    own.is_gone()


@on_both
def test_who_asks_gets_no_notice_and_no_delay(own: Own) -> None:
    when = own.asks()
    assert own.step(when - 20 * DAY) == "not due", "a request to come is none yet"
    found = own.house.end(when)[own.acme]
    assert (found.step, found.notice) == ("dropped", None)
    own.is_gone()


def test_nothing_goes_without_a_backup_of_all_that_was_written(own: Own) -> None:
    own.house.copies.clear()
    when = own.asks()
    assert own.step(when) == "waits for a final backup"
    own.house.copies[own.acme] = ENDED - DAY
    assert own.step(when) == "waits for a final backup", "made before the last use"
    own.house.copies[own.acme] = ENDED + DAY
    fill_order(own, ENDED + 2 * DAY)
    assert own.step(when) == "waits for a final backup", "made before the last row"
    assert (own.there(), own.orders(), own.photos()) == (True, 6, 5)


def fill_order(own: Own, made: datetime, tenant: str | None = None) -> None:
    with Database(own.address("A"), name="own") as database:
        run(database, ORDERS.insert().values(id=ulid(made, 99), company_id=tenant or own.acme))


@on_both
def test_a_database_that_is_used_though_the_register_says_no_stays(own: Own) -> None:
    when = own.told()
    fill_order(own, when - 30 * DAY)
    own.house.copies[own.acme] = when
    assert own.step(when) == "used since"
    assert own.orders() == 6
    assert own.step(when + 100 * DAY) == "dropped"


@pytest.mark.parametrize("scope", ["tenant", "category", "row"])
def test_what_is_held_in_the_register_stays_whole(own: Own, scope: str) -> None:
    scopes: dict[str, Scope] = {
        "tenant": TenantScope(own.acme),
        "category": CategoryScope("shop/register"),
        "row": RowScope("tenant_databases", (own.acme,), "shop_database"),
    }
    when, hold = own.asks(), own.hold(scopes[scope])
    assert own.step(when) == "held"
    assert own.orders() == 5
    own.house.control.holds.release(hold, by="s1", now=wall())
    assert own.step(when) == "dropped"


@on_both
def test_a_held_person_keeps_their_rows_and_the_database(own: Own) -> None:
    when, hold = own.asks(), own.hold(SubjectScope({"shopper": ("k3",)}))
    assert own.step(when) == "held"
    assert (own.there(), own.orders(), own.photos()) == (True, 1, 1)
    own.house.control.holds.release(hold, by="s1", now=wall())
    assert own.step(when) == "dropped"
    own.is_gone()


def test_a_hold_that_comes_between_the_emptying_and_the_drop_wins(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    when, emptied = own.asks(), dedicated._Work._emptied

    def emptied_then_held(self: Any, database: Any) -> Any:
        found = emptied(self, database)
        own.hold(TenantScope(own.acme))
        return found

    monkeypatch.setattr(dedicated._Work, "_emptied", emptied_then_held)
    assert own.step(when) == "held"
    assert own.there()


def test_a_row_that_comes_between_the_emptying_and_the_drop_wins(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    when, emptied = own.asks(), dedicated._Work._emptied

    def emptied_then_used(self: Any, database: Any) -> Any:
        found = emptied(self, database)
        fill_order(own, wall())
        return found

    monkeypatch.setattr(dedicated._Work, "_emptied", emptied_then_used)
    assert own.step(when) == "used since"
    assert own.orders() == 1


@on_both
@pytest.mark.parametrize(
    ("leads", "says"), [("shared", "leads to the shared one"), ("Z", "another tenant's"), ("mixed", "rows of another")]
)
def test_an_address_that_leads_elsewhere_is_refused(own: Own, leads: str, says: str) -> None:
    elsewhere = {"shared": own.house.shared.url, "Z": own.address("Z"), "mixed": own.address("A")}[leads]
    if leads == "mixed":
        fill_order(own, LONG_AGO, "omega")
    # the same place, spelled another way
    databases = own.house.opened["shop_database"]
    before, other = databases._url_of, elsewhere.update_query_dict({"application_name": "x"}
                                                                   if "postgres" in str(elsewhere) else {})  # fmt: skip
    assert before is not None
    databases._url_of = lambda ref: other if ref == "wrong" else before(ref)
    own.register(ref="wrong", asked_at=LONG_AGO)
    found = own.step(END)
    assert found.startswith("unknown: ")
    assert says in found
    assert "GENUKA_TENANT_DSN__" in found
    assert (own.orders("A"), own.orders("Z")) == (6 if leads == "mixed" else 5, 5)
    assert own.house.outcomes(own.start) == []


STEPS = {
    "intend": (dropped.Dropping, "intend"),
    "apply": (dedicated, "apply"),
    "check": (dedicated._Work, "_drop"),
    "drop": (dedicated, "drop_database"),
    "date": (dropped.Dropping, "_date"),
    "outcome": (dropped, "merkle_root"),
}


class Killed(BaseException):
    """What a signal would do: nothing catches it."""


@on_both
@pytest.mark.parametrize("step", STEPS)
def test_killed_before_any_step_it_is_finished_by_the_next_run(
    own: Own, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    when, (where, name) = own.asks(), STEPS[step]
    does = getattr(where, name)
    calls = itertools.count()

    def killed(*arguments: Any, **options: Any) -> Any:
        # The outcome's root is the second that is asked for, after the intention's.
        if step == "outcome" and next(calls) == 0:
            return does(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, name, killed)
        with pytest.raises(Killed):
            own.house.end(when)
    assert len(own.house.control.ledger.open_intents()) == (step != "intend")
    own.house.end(when)
    own.is_gone()


def test_a_server_that_cannot_be_asked_leaves_the_intention_open(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    when = own.asks()

    def lost(_: Any) -> bool:
        raise DatabaseUnreachable("the server does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(dropped, "exists", lost)
        assert own.step(when) == "unknown: the server does not answer"
        assert len(own.house.control.ledger.open_intents()) == 1
        assert not own.there()
        assert "unknown" in {ended.step for ended in own.house.end(when).values()}
    own.house.end(when)
    own.is_gone()


def test_a_run_that_is_bounded_goes_on_with_the_next(own: Own) -> None:
    when = own.asks()
    assert own.step(when, limits=replace(QUICK, rows=4)) == "emptied in part"
    assert own.step(when) == "dropped"
    own.is_gone()


def test_a_dry_run_says_what_would_be_and_touches_nothing(own: Own) -> None:
    before = own.house.control.ledger.head()
    when = own.asks()
    assert own.step(when, dry_run=True) == "due"
    assert own.step(END - 60 * DAY, dry_run=True) == "not due"
    assert (own.orders(), own.house.control.ledger.head()) == (5, before)


def test_without_a_day_for_the_end_in_the_register_nothing_is_dropped(own: Own) -> None:
    databases = own.house.opened["shop_database"]
    databases.declared = TENANTS.model_copy(update={"dropped": None})
    assert "declare it as `dropped`" in own.step(own.asks())
    assert own.there()


def test_two_at_once_drop_it_once(own: Own) -> None:
    when = own.asks()
    other = own.house.control.leases.hold("dropping", "shop_database", "other", timedelta(seconds=5))
    with other, pytest.raises(Busy):
        own.house.end(when)
    assert own.step(when) == "dropped"


def test_shared_tenants_are_told_before_their_rows_go(kind: Kind, control: Control, tmp_path: Path) -> None:
    with shop_house(kind, control, tmp_path, facts(over=True)) as house:
        name = f"light{next(_NUMBERS)}"
        house.register({"company_id": name, "mode": "shared", "subscription_ended_at": ENDED})
        said = [house.end(END - timedelta(days=left))[name].notice for left in (40, 30, 20, 7, 1)]
        assert said == [None, "P30D", None, "P7D", "P1D"]
        house.sent()


def test_a_dedicated_database_is_not_emptied_by_the_rule_for_shared_rows(control: Control, tmp_path: Path) -> None:
    known = facts(over=True)
    with shop_house("postgresql", control, tmp_path, known, dedicated=("A", "Z")) as made:
        found = Own(made, next(_NUMBERS))
        made.copies.clear()
        apply(Due(None, END + DAY), made, "shop_database", as_of=END + DAY, clock=wall, limits=QUICK,
              contents=made.contents)  # fmt: skip
        assert found.orders() == 5, "there is no final backup, and no notice was sent"
