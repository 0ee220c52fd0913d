"""A month is a month: the cut-off used in SQL and the end told to a person never disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.catalog.period import Period

periods = st.sampled_from(["P0D", "P1D", "P7D", "P1M", "P3M", "P4M", "P12M", "P1Y", "P3Y", "P1M7D", "P2W", "P1Y1M1D"])
moments = st.datetimes(datetime(1999, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
near = st.integers(-3 * 86400, 3 * 86400)


@given(periods, moments, near)
def test_cutoff_and_end_agree(text: str, anchor: datetime, seconds: int) -> None:
    period = Period(text)
    as_of = period.end(anchor) + timedelta(seconds=seconds)
    assert (anchor <= period.cutoff(as_of)) == (period.end(anchor) <= as_of)


@given(periods, moments, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_later_event_never_ends_sooner(text: str, anchor: datetime, later: timedelta) -> None:
    period = Period(text)
    assert period.end(anchor) <= period.end(anchor + later)
    assert period.cutoff(anchor) <= period.cutoff(anchor + later)


@pytest.mark.parametrize(
    ("text", "since", "end"),
    [
        ("P1M", (2026, 1, 15, 9), (2026, 2, 15, 9)),
        ("P1M", (2026, 1, 31, 9), (2026, 3, 1, 0)),
        ("P1M", (2024, 1, 30, 9), (2024, 3, 1, 0)),
        ("P1M", (2024, 1, 29, 9), (2024, 2, 29, 9)),
        ("P1Y", (2024, 2, 29, 9), (2025, 3, 1, 0)),
        ("P7D", (2026, 3, 28, 9), (2026, 4, 4, 9)),
        ("P0D", (2026, 3, 28, 9), (2026, 3, 28, 9)),
    ],
)
def test_month_ends(text: str, since: tuple[int, ...], end: tuple[int, ...]) -> None:
    assert Period(text).end(datetime(*since, tzinfo=UTC)) == datetime(*end, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "P", "1M", "P1H", "PT1H", "P-1M", "P1.5M", "month", "P1M ", "P101Y", "P1D1M", "p1m"]
)
def test_what_is_not_a_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a period|longer than"):
        Period(text)
