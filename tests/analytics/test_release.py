"""A release is the same bytes for ever, and periods have one name each."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.analytics.errors import NoSuchPeriod, ReleaseDamaged
from genuka_pipelines.analytics.releases.calendar import (
    PER_YEAR,
    every_of,
    following,
    last_complete,
    period_of,
    periods,
    settled_at,
    span,
    year_of,
)
from genuka_pipelines.analytics.releases.release import (
    Certificate,
    Manifest,
    Mechanism,
    Release,
    Slot,
    Spent,
    from_bytes,
    release_path,
    slot_at,
    to_bytes,
    told,
)
from genuka_pipelines.analytics.releases.spec import spec_of
from genuka_pipelines.catalog.published import Every, Spend
from tests.analytics.bounded import PRIVACY, SHAPES, WORDS, facts, measure

EVERY: list[Every] = ["day", "week", "month", "quarter"]
SLOT = Slot("orders_monthly", "2026-10", "0123456789abcdef")


def release() -> Release:
    noise = Mechanism(name="laplace", scale=2.0, epsilon=1.0, error=6)
    manifest = Manifest(
        table=SLOT.table, period=SLOT.period, begins=SLOT.begins, ends=SLOT.ends, spec=SLOT.spec,
        category="shop/content", source="orders", unit="company", protects="company", once=False, groups=1, minimum=11,
        dimensions=("country",), measures=("orders",), mechanisms={"orders": noise}, epsilon=1, delta=0,
        spent=Spent(year=2026, epsilon=1, delta=0, rho=0.5, of=Spend(epsilon=5, delta=1e-7)),
        certificate=Certificate(groups=1, amounts={"orders": 1}, proven=True), engine="duckdb", versions={},
        made=date(2026, 11, 3),
    )  # fmt: skip
    cells = {
        "country": ["CM", "é"], "measure": ["orders"] * 2, "value": [12.0, None], "ci95_low": [6.0, None],
        "ci95_high": [18.0, None], "noise_scale": [2.0] * 2, "status": ["released", "below_threshold"],
    }  # fmt: skip
    return Release(manifest, pa.table(cells))


def test_a_release_is_the_same_bytes_and_comes_back_whole() -> None:
    data = to_bytes(release())
    assert data == to_bytes(release())
    back = from_bytes(data, release_path(SLOT))
    assert (back.manifest, back.slot) == (release().manifest, SLOT)
    assert back.cells.equals(release().cells)
    assert to_bytes(back) == data


@pytest.mark.parametrize("data", [b"", b"PAR1", to_bytes(release())[:-9]])
def test_what_is_no_release_is_one_sentence(data: bytes) -> None:
    with pytest.raises(ReleaseDamaged, match="releases/x"):
        from_bytes(data, "releases/x")


def test_a_release_under_another_name_is_damage() -> None:
    other = Slot("orders_monthly", "2026-09", SLOT.spec)
    with pytest.raises(ReleaseDamaged, match="another release"):
        from_bytes(to_bytes(release()), release_path(other))


def test_names_of_releases_are_read_back() -> None:
    assert slot_at(release_path(SLOT)) == SLOT
    for path in ("", "releases/a/b", "releases/t/spec=x/period=y/other.parquet", "x/t/spec=x/period=y/release.parquet"):
        assert slot_at(path) is None


@given(st.dates(date(1971, 1, 1), date(2200, 1, 1)), st.sampled_from(EVERY))
def test_every_day_lies_in_one_period_that_knows_its_kind(day: date, every: Every) -> None:
    name = period_of(every, day)
    begins, ends = span(name)
    assert begins <= day < ends
    assert every_of(name) == every
    assert period_of(every, begins) == name
    assert following(name) == period_of(every, ends)
    assert list(periods(every, day, ends)) == [name, following(name)]


@pytest.mark.parametrize("every", EVERY)
def test_a_year_has_no_more_periods_than_are_reckoned_with(every: Every) -> None:
    named = list(periods(every, date(2019, 12, 1), date(2033, 2, 1)))
    assert len(named) == len(set(named))
    most = max(sum(year_of(name) == year for name in named) for year in range(2020, 2033))
    assert most == PER_YEAR[every]


@pytest.mark.parametrize(
    "name",
    ["", "2026", "2026-13", "2026-W54", "2025-W53", "2026-Q5", "2026-02-30", "2026-10-31 ", "٢٠٢٦-10", "0000-01"],
)
def test_what_is_no_period_is_one_sentence(name: str) -> None:
    with pytest.raises(NoSuchPeriod, match="2026-W44"):
        span(name)
    with pytest.raises(NoSuchPeriod):
        every_of(name)


def test_a_period_settles_some_days_after_its_end() -> None:
    assert settled_at("2026-10", 2) == datetime(2026, 11, 3, tzinfo=UTC)
    assert last_complete("month", 2, datetime(2026, 11, 2, 23, tzinfo=UTC)) == "2026-09"
    assert last_complete("month", 2, datetime(2026, 11, 3, tzinfo=UTC)) == "2026-10"
    assert last_complete("day", 0, datetime(2026, 11, 3, 5, tzinfo=UTC)) == "2026-11-02"


def test_a_fingerprint_follows_what_is_released_and_not_its_words() -> None:
    spec = spec_of(PRIVACY, facts())
    other = {"fr": "y", "en": "y"}
    words = facts(title=other, question=other, caveat=other, settles=9, purpose="other")
    assert spec_of(PRIVACY, words) == spec
    titled = facts(dimensions={"country": {"title": other, "keys": "countries"}})
    assert spec_of(PRIVACY, titled) == spec
    inline = facts(dimensions={"country": {"title": WORDS, "keys": ["CM"]}})
    changed = [facts(groups=3), facts(minimum=12), facts(budget={"epsilon": 2}), inline]
    more = PRIVACY.model_copy(update={"keys": {"countries": ("CM", "other")}})
    specs = [spec, spec_of(more, facts()), *(spec_of(PRIVACY, each) for each in changed)]
    assert len(set(specs)) == len(specs)
    assert len({spec_of(PRIVACY, shape) for shape in SHAPES.values()}) == len(SHAPES)


def test_figures_of_quantiles_and_means_have_names() -> None:
    table = facts(
        measures={
            "wait": measure(quantiles="wait", at=[0.5, 0.999], edges=[0, 1]),
            "typical": measure(mean="wait", between=[0, 9]),
        }
    )
    assert told(table) == ("wait_p50", "wait_p99_9", "typical", "typical_sum", "typical_units")


def test_a_figure_of_money_is_not_called_units() -> None:
    """The manifest names by `units` the noise of how many there are, by which a debit is written down again."""
    with pytest.raises(ValueError, match="call this measure otherwise"):
        facts(measures={"units": measure(sum="amount", between=[0, 9])})
    assert facts(measures={"units": measure(units="all")})


def test_a_release_of_before_is_still_read() -> None:
    made = release()
    old = {**made.manifest.model_dump(mode="json"), "clipped": None}
    assert Manifest.model_validate(old) == made.manifest
    with pytest.raises(ValueError, match="clipped"):
        Manifest.model_validate({**old, "clipped": 0.2})
