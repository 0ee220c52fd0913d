"""A release is paid for once, before anything is counted, and never beyond what a year allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from genuka_pipelines.control import (
    BudgetDebited,
    ClockAhead,
    Control,
    Debit,
    DebitDiffers,
    NotOpaque,
)

OCTOBER = Debit(
    table="visits_monthly", period="2026-10", spec="0123456789abcdef", units="company", year=2026, once=False,
    rho=10**9, pure=None, delta=10**9,
)  # fmt: skip


class TooDear(Exception):
    """What a test's own limit raises."""


def at_most(rho: int) -> Callable[[Sequence[Debit]], None]:
    def refuse(debits: Sequence[Debit]) -> None:
        if sum(debit.rho for debit in debits) > rho:
            raise TooDear

    return refuse


FREE = at_most(2**62)


def test_a_debit_is_written_down_once(control: Control, now: datetime) -> None:
    assert control.budgets.debit(OCTOBER, refuse=FREE, now=now) == ((OCTOBER,), True)
    assert control.budgets.debit(OCTOBER, refuse=FREE, now=now) == ((OCTOBER,), False)
    (entry,) = control.ledger.entries()
    assert entry.body == BudgetDebited(
        table="visits_monthly", period="2026-10", spec="0123456789abcdef", units="company", year=2026,
        rho=10**9, pure=None, delta=10**9,
    )  # fmt: skip
    assert control.budgets.spent("company", 2026) == (OCTOBER,)
    assert control.budgets.spent("company", 2027) == control.budgets.spent("device_day", 2026) == ()


def test_what_is_too_dear_is_not_written(control: Control, now: datetime) -> None:
    limit = at_most(25 * 10**8)
    months = [replace(OCTOBER, period=f"2026-{month}") for month in (10, 11, 12)]
    for month in months[:2]:
        control.budgets.debit(month, refuse=limit, now=now)
    with pytest.raises(TooDear):
        control.budgets.debit(months[2], refuse=limit, now=now)
    assert control.budgets.spent() == tuple(months[:2])
    assert control.ledger.head().seq == 2
    debits, new = control.budgets.debit(months[1], refuse=at_most(0), now=now)
    assert (len(debits), new) == (2, False), "a retry is never refused"
    control.budgets.debit(replace(months[2], year=2027), refuse=limit, now=now)
    control.budgets.debit(replace(months[2], units="device_day", spec="f" * 16), refuse=limit, now=now)


def test_another_price_for_what_was_paid_is_refused(control: Control, now: datetime) -> None:
    control.budgets.debit(replace(OCTOBER, pure=5), refuse=FREE, now=now)
    for changed in (replace(OCTOBER, pure=6), OCTOBER, replace(OCTOBER, pure=5, year=2027)):
        with pytest.raises(DebitDiffers, match="2026-10 of visits_monthly"):
            control.budgets.debit(changed, refuse=FREE, now=now)


def test_many_at_once_never_overdraw(control: Control, now: datetime) -> None:
    limit, outcomes = at_most(5 * 10**9), []

    def work(number: int) -> None:
        try:
            control.budgets.debit(replace(OCTOBER, period=f"2026-W{number:02d}"), refuse=limit, now=now)
            outcomes.append(True)
        except TooDear:
            outcomes.append(False)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True] * 5
    assert len(control.budgets.spent("company", 2026)) == 5


def test_two_at_once_for_one_release_pay_once(control: Control, now: datetime) -> None:
    new: list[bool] = []
    threads = [
        threading.Thread(target=lambda: new.append(control.budgets.debit(OCTOBER, refuse=FREE, now=now)[1]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [False] * 5 + [True]
    assert control.ledger.verify().intact


def test_what_cannot_be_written_down_is_not_paid(control: Control, now: datetime) -> None:
    with pytest.raises(ClockAhead):
        control.budgets.debit(OCTOBER, refuse=FREE, now=now + timedelta(days=1))
    with pytest.raises(NotOpaque, match="table"):
        control.budgets.debit(replace(OCTOBER, table="Aïcha N'Diaye"), refuse=FREE, now=now)
    assert control.budgets.spent() == ()
    assert control.ledger.head().seq == 0
