from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.requests.deadline import arrival, due_on
from genuka_pipelines.requests.errors import UnclearRequest

MONTH, TWO = Period("P1M"), Period("P2M")


@pytest.mark.parametrize(
    ("arrived", "due", "extended"),
    [
        ("2026-01-15", "2026-02-15", "2026-04-15"),
        ("2026-01-31", "2026-02-28", "2026-04-30"),
        ("2024-01-31", "2024-02-29", "2024-04-30"),
        ("2026-12-31", "2027-01-31", "2027-03-31"),
        ("2026-11-30", "2026-12-30", "2027-02-28"),
        ("2026-02-28", "2026-03-28", "2026-05-28"),
    ],
)
def test_a_month_is_a_month(arrived: str, due: str, extended: str) -> None:
    day = date.fromisoformat(arrived)
    assert (due_on(day, MONTH).isoformat(), due_on(day, MONTH, TWO).isoformat()) == (due, extended)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_no_answer_takes_longer_than_31_days(day: date) -> None:
    assert timedelta(28) <= due_on(day, MONTH) - day <= timedelta(31)
    assert due_on(day, MONTH, TWO) - day <= timedelta(92)


def test_a_day_of_arrival_is_a_local_day_that_was() -> None:
    late = datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert arrival(None, late) == date(2026, 7, 1)
    assert arrival(date(2026, 6, 1), late) == date(2026, 6, 1)
    for wrong in (date(2026, 7, 2), date(2025, 1, 1)):
        with pytest.raises(UnclearRequest, match=wrong.isoformat()):
            arrival(wrong, late)
