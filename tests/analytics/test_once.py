"""One release for each slot, whatever happens: killed anywhere, two at once, tried again, out of budget."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.analytics.bounding import aggregates as bounding
from genuka_pipelines.analytics.errors import (
    NoSuchPeriod,
    NothingStaged,
    NotYetComplete,
    OverBudget,
    ReleaseDamaged,
    UnknownEngine,
    UnknownTable,
)
from genuka_pipelines.analytics.noise import cells as noise
from genuka_pipelines.analytics.releases import once
from genuka_pipelines.analytics.releases.debts import settle
from genuka_pipelines.analytics.releases.once import release_once, releases, year_spent
from genuka_pipelines.analytics.releases.release import release_path, to_bytes
from genuka_pipelines.catalog.published import Privacy
from genuka_pipelines.control import (
    BudgetDebited,
    ControlUnreachable,
    DebitDiffers,
    LeaseTaken,
    ReleaseStored,
    open_control,
)
from genuka_pipelines.control.budgets import Budgets
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.tables import budget_debits
from genuka_pipelines.keys import Keyring, open_keyring
from genuka_pipelines.stores.open import open_store
from tests.analytics.bounded import PRIVACY, WORDS, facts, measure, staged
from tests.analytics.released import COMPANIES, Released, released_house
from tests.servers import fresh_control

OCTOBER = "2026-10"
WAIT = {"title": WORDS, "quantiles": "wait", "at": [0.5], "edges": [0, 5, 10, 30]}
PRIVATE: dict[str, Any] = {"groups": 1, "dimensions": {"country": {"title": WORDS, "private": True}}}


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("home") / "keys", create=True)


@pytest.fixture
def house(tmp_path: Path, keyring: Keyring) -> Iterator[Released]:
    with (
        fresh_control() as url,
        open_control(url.render_as_string(hide_password=False)) as control,
        released_house(tmp_path, control, keyring) as made,
    ):
        yield made


def now() -> datetime:
    return datetime.now(UTC)


def stored(house: Released) -> list[str]:
    return [each.key for each in house.published.list("releases/")]


def debits(house: Released) -> list[BudgetDebited]:
    return [entry.body for entry in house.control.ledger.entries() if isinstance(entry.body, BudgetDebited)]


def test_a_release_says_what_it_is_and_is_found_again(house: Released) -> None:
    first = release_once(house, "orders_monthly", OCTOBER, now=now())
    said = first.manifest
    assert (said.epsilon, said.delta, said.groups, said.engine) == (1, 0, 2, "duckdb")
    assert set(said.mechanisms) == {"companies", "orders"}
    assert sum(each.epsilon or 0 for each in said.mechanisms.values()) == pytest.approx(1)
    assert said.certificate.proven
    assert (said.spent.year, said.spent.of) == (2026, PRIVACY.units["company"].year)
    assert 0 < said.spent.epsilon <= 1
    assert said.spent.pld_epsilon == pytest.approx(1, abs=0.02)
    by_cell = {row["country"]: row for row in first.cells.to_pylist() if row["measure"] == "companies"}
    assert set(by_cell) == {"CM", "FR", "it's", "other"}
    assert by_cell["CM"]["ci95_low"] <= 40 + 30 <= by_cell["CM"]["ci95_high"] + 60
    second = release_once(house, "orders_monthly", OCTOBER, now=now())
    assert to_bytes(second) == to_bytes(first)
    assert stored(house) == [release_path(first.slot)]
    assert len(debits(house)) == 1
    (heading,) = releases(house, "orders_monthly")
    assert (heading.slot, heading.present) == (first.slot, True)


def test_another_declaration_is_another_release_and_paid_for(house: Released) -> None:
    release_once(house, "orders_monthly", OCTOBER, now=now())
    more = house.declare(orders_monthly=facts(minimum=0))
    release_once(more, "orders_monthly", OCTOBER, now=now())
    assert [heading.present for heading in releases(more, "orders_monthly")].count(True) == 1
    assert len(stored(house)) == len(debits(house)) == 2
    titled = house.declare(orders_monthly=facts(title={"fr": "z", "en": "z"}))
    release_once(titled, "orders_monthly", OCTOBER, now=now())
    assert len(debits(house)) == 2, "a title is no other release"


class Killed(BaseException):
    """The process ends here."""


def kill_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """The process is killed at a point of its way; what stands before the point was done."""

    def after(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            real(*args, **options)
            raise Killed

        monkeypatch.setattr(owner, name, wrapped)

    def instead(owner: Any, name: str) -> None:
        def wrapped(*_: Any, **__: Any) -> Any:
            raise Killed

        monkeypatch.setattr(owner, name, wrapped)

    real_append = Ledger.append

    def before_the_ledger(self: Ledger, body: Any, **options: Any) -> Any:
        if isinstance(body, ReleaseStored):
            raise Killed
        return real_append(self, body, **options)

    {
        "before the debit": lambda: instead(Budgets, "debit"),
        "after the debit": lambda: after(Budgets, "debit"),
        "after the aggregates": lambda: after(bounding, "aggregates"),
        "after the noise": lambda: after(noise, "released"),
        "before it is stored": lambda: instead(once, "_put"),
        "after it is stored": lambda: after(once, "_put"),
        "before the ledger": lambda: monkeypatch.setattr(Ledger, "append", before_the_ledger),
    }[point]()


POINTS = [
    "before the debit", "after the debit", "after the aggregates", "after the noise", "before it is stored",
    "after it is stored", "before the ledger",
]  # fmt: skip


CHEAP = Privacy.model_validate(
    {**PRIVACY.model_dump(), "units": {"company": {"title": WORDS, "year": {"epsilon": 2, "delta": 1e-7}}}}
)


def killed_and_tried_again(house: Released, turns: int) -> None:
    """Every point in turn: killed there, tried again, and once more."""
    house = house.declare(CHEAP, orders_monthly=facts(budget={"epsilon": 0.001}))
    house.stage(staged(COMPANIES), as_of=now() - timedelta(hours=1))
    months = [f"{year}-{month:02d}" for year in range(1930, 2026) for month in range(1, 13)]
    for turn in range(turns):
        period, point = months[-1 - turn], POINTS[turn % len(POINTS)]
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, point)
            with pytest.raises(Killed):
                release_once(house, "orders_monthly", period, now=now())
        before = {key: house.published.get(key) for key in stored(house)}
        first = release_once(house, "orders_monthly", period, now=now())
        assert (release_path(first.slot) in before) == (point in ("after it is stored", "before the ledger"))
        assert before.get(release_path(first.slot), to_bytes(first)) == to_bytes(first)
        assert to_bytes(release_once(house, "orders_monthly", period, now=now())) == to_bytes(first)
    assert len(stored(house)) == len(debits(house)) == len(house.control.budgets.spent()) == turns
    assert len(house.control.ledger.latest(ReleaseStored)) == turns
    assert house.control.ledger.verify().intact


def test_killed_anywhere_and_tried_again_it_is_one_release_and_one_debit(house: Released, rounds: int) -> None:
    killed_and_tried_again(house, min(1000, max(len(POINTS), rounds // 3)))


def _no_debit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Budgets, "debit", lambda *_, **__: ((), False))


def _noise_twice(patch: pytest.MonkeyPatch) -> None:
    real, asked = once._found, []

    def forgetful(*args: Any) -> Any:
        asked.append(1)
        return real(*args) if len(asked) % 3 == 0 else None

    patch.setattr(once, "_found", forgetful)
    patch.setattr(
        once,
        "_put",
        lambda house, slot, data: house.store("published_store").put(release_path(slot), data, if_absent=False),
    )


def _paid_twice(patch: pytest.MonkeyPatch) -> None:
    real, times = Budgets.debit, []

    def anew(self: Budgets, asked: Any, **rest: Any) -> Any:
        times.append(1)
        return real(self, replace(asked, spec=f"{len(times):016x}"), **rest)

    patch.setattr(Budgets, "debit", anew)


@pytest.mark.parametrize("wrong", [_no_debit, _noise_twice, _paid_twice])
def test_ways_to_release_wrongly_are_caught(house: Released, monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    wrong(monkeypatch)
    with pytest.raises((AssertionError, ReleaseDamaged, pytest.fail.Exception)):
        killed_and_tried_again(house, len(POINTS))


def test_two_at_once_make_one(house: Released) -> None:
    made: list[bytes] = []
    refused: list[Exception] = []

    def work() -> None:
        try:
            made.append(to_bytes(release_once(house, "orders_monthly", OCTOBER, now=now())))
        except LeaseTaken as busy:
            refused.append(busy)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) + len(refused) == 4
    assert len(set(made)) == 1
    assert len(stored(house)) == len(debits(house)) == 1


def test_who_lost_the_lease_and_stores_second_gives_the_first_ones(
    house: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, others = once._put, list[bytes]()

    def slow(*args: Any) -> None:
        if not others:
            others.append(to_bytes(once._made(house, args[1], facts(), PRIVACY, now=now(), engine="duckdb")))
            real(args[0], args[1], others[0])
        real(*args)

    monkeypatch.setattr(once, "_put", slow)
    mine = release_once(house, "orders_monthly", OCTOBER, now=now())
    assert to_bytes(mine) == others[0]
    assert len(debits(house)) == 1


KILLED_IN_THE_MIDDLE = """
import sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from genuka_pipelines.analytics.bounding import aggregates as bounding
from genuka_pipelines.analytics.releases import once
from genuka_pipelines.analytics.releases.debts import settle
from genuka_pipelines.control import open_control
from genuka_pipelines.keys import open_keyring
from genuka_pipelines.stores.open import open_store
from tests.analytics.bounded import facts
from tests.analytics.released import Released

url, folder, lease = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])

def slow(*args, **options):
    print("counting", flush=True)
    time.sleep(600)

bounding.aggregates, once._LEASE = slow, timedelta(seconds=lease)
with open_control(url) as control:
    store = open_store(f"file://{folder / 'published'}", name="published")
    house = Released(None, control, open_keyring(folder / "keys"), folder / "staging", store)
    once.release_once(house.declare(orders_monthly=facts()), "orders_monthly", "2026-10", now=datetime.now(UTC))
"""


def test_a_process_that_is_killed_leaves_its_lease_then_the_release_is_made(tmp_path: Path) -> None:
    """A real SIGKILL after the debit: until the dead one's lease ends a sentence says so, then one release is made."""
    with fresh_control() as url:
        dsn = url.render_as_string(hide_password=False)
        with open_control(dsn) as control, released_house(tmp_path, control) as house:
            asked = [dsn, str(tmp_path), "5"]
            dying = subprocess.Popen(
                [sys.executable, "-c", KILLED_IN_THE_MIDDLE, *asked], stdout=subprocess.PIPE, text=True
            )
            assert dying.stdout is not None
            assert dying.stdout.readline() == "counting\n"
            dying.send_signal(signal.SIGKILL)
            assert dying.wait() == -signal.SIGKILL
            (paid,) = debits(house)
            with pytest.raises(LeaseTaken, match=r"already running since .* or for its lease to end at") as busy:
                release_once(house, "orders_monthly", OCTOBER, now=now())
            assert not stored(house)
            time.sleep(max(0.0, (busy.value.until - now()).total_seconds()) + 0.2)
            made = release_once(house, "orders_monthly", OCTOBER, now=now())
            assert stored(house) == [release_path(made.slot)]
            assert debits(house) == [paid]


def forget_debits(house: Released, period: str) -> None:
    """The control database is one of before this release."""
    with house.control._database.engine.begin() as connection:
        connection.execute(sa.delete(budget_debits).where(budget_debits.c.period == period))


@pytest.mark.parametrize(
    ("changes", "noise"),
    [
        ({}, "laplace"),
        ({"once": True, "groups": 1}, "laplace"),
        ({"groups": 4, "budget": {"epsilon": 0.1, "delta": 1e-8}, "measures": {"wait": WAIT}}, "gaussian"),
        ({**PRIVATE, "budget": {"epsilon": 0.3, "delta": 1e-9}}, "gaussian"),
        ({"measures": {"wait": {"title": WORDS, "mean": "wait", "between": [0, 60]}}}, "laplace"),
    ],
)
def test_what_a_restored_database_forgot_is_debited_again_to_the_last_digit(
    house: Released, changes: dict[str, Any], noise: str
) -> None:
    house = house.declare(orders_monthly=facts(**changes))
    made = release_once(house, "orders_monthly", OCTOBER, now=now())
    assert {each.name for each in made.manifest.mechanisms.values()} == {noise}
    before = house.control.budgets.spent("company")
    assert len(before) == 1
    forget_debits(house, OCTOBER)
    assert not house.control.budgets.spent()
    assert settle(house, now=now()) == before == house.control.budgets.spent()
    assert settle(house, now=now()) == ()


def test_nothing_is_released_before_forgotten_debits_are_written(
    house: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.stage(staged(COMPANIES), as_of=now() - timedelta(hours=1))
    dear = house.declare(orders_monthly=facts(budget={"epsilon": 2}))
    kept = {
        period: to_bytes(release_once(dear, "orders_monthly", period, now=now())) for period in ("2026-08", "2026-09")
    }
    for period in kept:
        forget_debits(house, period)
    # Another definition, as nobody declares any more the one that was paid for: its releases count all the same.
    other = house.declare(orders_monthly=facts(budget={"epsilon": 2}, minimum=3))
    with pytest.raises(OverBudget, match="would bring company to ε = 6"):
        release_once(other, "orders_monthly", OCTOBER, now=now())
    assert len(house.control.budgets.spent("company", 2026)) == len(stored(house)) == 2
    forget_debits(house, "2026-09")
    monkeypatch.setattr(Budgets, "debit", _unwritable)
    with pytest.raises(ControlUnreachable):
        release_once(other, "orders_monthly", "2026-07", now=now())
    monkeypatch.undo()
    lost = next(key for key in stored(house) if "2026-09" in key)
    house.published.put(lost, b"no release", if_absent=False)
    with pytest.raises(ReleaseDamaged, match="2026-09"):
        release_once(other, "orders_monthly", "2026-07", now=now())
    assert len(stored(house)) == 2, "nothing is released while it is not known what was paid"


def _unwritable(*_: Any, **__: Any) -> Any:
    raise ControlUnreachable("gone")


def test_a_budget_that_is_spent_is_spent(house: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    house.stage(staged(COMPANIES), as_of=now() - timedelta(hours=1))
    dear = house.declare(orders_monthly=facts(budget={"epsilon": 2}))
    for period in ("2026-08", "2026-09"):
        release_once(dear, "orders_monthly", period, now=now())
    counted = []
    monkeypatch.setattr(bounding, "aggregates", lambda *_, **__: counted.append(1))
    with pytest.raises(OverBudget, match="2026-10 of orders_monthly would bring company to ε = 6") as refused:
        release_once(dear, "orders_monthly", OCTOBER, now=now())
    assert refused.value.exit_code == 2
    assert not counted, "nothing is counted before it is paid for"
    assert len(debits(house)) == len(stored(house)) == 2
    assert release_once(dear, "orders_monthly", "2026-09", now=now()), "what is stored stays readable"
    spent = year_spent(house, "company", 2026, exact=False)
    assert spent.epsilon == pytest.approx(4)


def test_tables_share_the_account_of_their_units_and_once_counts_the_dearest(house: Released) -> None:
    house.stage(staged(COMPANIES), as_of=now() - timedelta(hours=1))
    one = measure(units="all")
    two = house.declare(
        signups_monthly=facts(once=True, groups=1, measures={"companies": one}),
        orders_monthly=facts(measures={"companies": one}),
        visits_monthly=facts(measures={"companies": one}, protects="device_day", budget={"epsilon": 3}),
    )
    for period in ("2026-07", "2026-08", "2026-09"):
        release_once(two, "signups_monthly", period, now=now())
    assert year_spent(two, "company", 2026).epsilon == pytest.approx(1)
    release_once(two, "orders_monthly", "2026-08", now=now())
    release_once(two, "orders_monthly", "2026-09", now=now())
    assert year_spent(two, "company", 2026, exact=False).epsilon == pytest.approx(3)
    assert year_spent(two, "device_day", 2026).epsilon == 0
    with pytest.raises(UnknownTable, match="nobody"):
        year_spent(two, "nobody", 2026)


def test_a_year_of_equal_shares_fits_its_year_to_the_last(house: Released) -> None:
    """Thirds and tenths have no exact float: the last release of a year must not be refused for their rounding."""
    house.stage(staged(COMPANIES), as_of=now() - timedelta(hours=1))
    year = {"company": {"title": WORDS, "year": {"epsilon": 0.6, "delta": 3e-8}}}
    thirds = {name: measure(units="all") for name in ("a", "b", "c")}
    facts_of = facts(measures=thirds, budget={"epsilon": 0.1, "delta": 5e-9}, **PRIVATE)
    small = house.declare(Privacy.model_validate({**PRIVACY.model_dump(), "units": year}), orders_monthly=facts_of)
    for month in range(1, 7):
        release_once(small, "orders_monthly", f"2026-{month:02d}", now=now())
    with pytest.raises(OverBudget):
        release_once(small, "orders_monthly", "2026-07", now=now())


def test_without_the_control_database_nothing_is_counted(house: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    monkeypatch.setattr(bounding, "aggregates", lambda *_, **__: counted.append(1))

    def away(*_: Any, **__: Any) -> None:
        raise ControlUnreachable("away")

    monkeypatch.setattr(Budgets, "debit", away)
    with pytest.raises(ControlUnreachable):
        release_once(house, "orders_monthly", OCTOBER, now=now())
    assert not counted
    assert not stored(house)


def test_a_change_of_price_after_the_debit_is_refused(house: Released) -> None:
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, "after the debit")
        with pytest.raises(Killed):
            release_once(house, "orders_monthly", OCTOBER, now=now())
    (paid,) = house.control.budgets.spent()
    with pytest.MonkeyPatch.context() as patch:
        real = Budgets.debit
        patch.setattr(Budgets, "debit", lambda self, asked, **rest: real(self, replace(asked, rho=1), **rest))
        with pytest.raises(DebitDiffers):
            release_once(house, "orders_monthly", OCTOBER, now=now())
    assert house.control.budgets.spent() == (paid,)


@pytest.mark.parametrize(
    ("table", "period", "error", "said"),
    [
        ("nobody_monthly", OCTOBER, UnknownTable, "there are: orders_monthly"),
        ("orders_monthly", "october", NoSuchPeriod, "2026-W44"),
        ("orders_monthly", "2026-10-05", NotYetComplete, "by the month"),
        ("orders_monthly", "2031-10", NotYetComplete, "complete on 2031-11-03"),
        ("orders_monthly", "2026-11", NotYetComplete, "complete on 2026-12-03"),
    ],
)
def test_what_cannot_be_released_is_one_sentence(
    house: Released, table: str, period: str, error: type[Exception], said: str
) -> None:
    at = datetime(2026, 11, 12, tzinfo=UTC)
    with pytest.raises(error, match=said):
        release_once(house, table, period, now=at)
    assert not debits(house)


def test_rows_staged_too_early_or_never_are_refused(house: Released) -> None:
    late = house.declare(orders_monthly=facts(settles=10))
    with pytest.raises(NothingStaged, match="staged on 2026-11-10, before 2026-10 was complete"):
        release_once(late, "orders_monthly", OCTOBER, now=now())
    nowhere = house.declare(orders_monthly=facts(table="deliveries"))
    with pytest.raises(NothingStaged, match="not staged: stage it first"):
        release_once(nowhere, "orders_monthly", OCTOBER, now=now())
    devices = house.declare(orders_monthly=facts(protects="device_day"))
    with pytest.raises(NothingStaged, match="the keys of 2026-10-01 were gone"):
        release_once(devices, "orders_monthly", OCTOBER, now=now())
    with pytest.raises(UnknownEngine):
        release_once(house, "orders_monthly", OCTOBER, now=now(), engine="abacus")


def test_an_altered_release_is_damage_not_an_answer(house: Released) -> None:
    first = release_once(house, "orders_monthly", OCTOBER, now=now())
    other = to_bytes(type(first)(first.manifest.model_copy(update={"epsilon": 0.1}), first.cells))
    house.published.put(release_path(first.slot), other, if_absent=False)
    with pytest.raises(ReleaseDamaged, match="says the ledger"):
        release_once(house, "orders_monthly", OCTOBER, now=now())


def test_a_release_that_is_gone_is_not_made_again(house: Released, tmp_path: Path) -> None:
    """Whoever kept the first could average it with the second."""
    first = release_once(house, "orders_monthly", OCTOBER, now=now())
    store = open_store(f"file://{tmp_path / 'emptied'}", name="published", create=True)
    emptied = replace(house, published=store)
    with pytest.raises(ReleaseDamaged, match="is gone from the store"):
        release_once(emptied, "orders_monthly", OCTOBER, now=now())
    store.put(release_path(first.slot), to_bytes(first))
    assert to_bytes(release_once(emptied, "orders_monthly", OCTOBER, now=now())) == to_bytes(first)


def test_an_empty_table_is_released_with_noise_alone(house: Released) -> None:
    house.stage(staged([]), as_of=now() - timedelta(hours=1))
    made = release_once(house, "orders_monthly", OCTOBER, now=now())
    assert made.cells.num_rows == 8
