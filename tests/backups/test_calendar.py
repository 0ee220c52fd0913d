from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.calendar import EPOCH, LOCKED, LONGEST, Epoch, backup_id, begun, epoch_of
from genuka_pipelines.backups.errors import BadBackupName
from genuka_pipelines.backups.format import layout

zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(2020, 1, 2), datetime(2199, 12, 30), timezones=zones)


@given(moments)
def test_every_moment_is_in_one_epoch_of_28_days_and_dies_within_twelve_months(moment: datetime) -> None:
    epoch = Epoch.at(moment)
    assert epoch.begins <= moment < epoch.ends == epoch.begins + EPOCH
    assert Epoch.named(epoch.name) == epoch
    assert Epoch.at(epoch.ends - timedelta(microseconds=1)) == epoch
    assert Epoch.at(epoch.ends) > epoch
    assert epoch.ends < epoch.locked_until < epoch.deadline <= moment + LONGEST
    assert epoch.locked_until - moment <= LOCKED


@given(moments)
def test_a_backup_is_named_by_its_second_in_utc(moment: datetime) -> None:
    name = backup_id(moment)
    assert begun(name) == moment.astimezone(UTC).replace(microsecond=0)
    assert epoch_of(name) == Epoch.at(moment)
    assert layout.manifest(name, "0f" * 16).startswith(layout.of_epoch(Epoch.at(moment)))


@given(moments, moments)
def test_names_sort_as_moments_do(one: datetime, other: datetime) -> None:
    if one.astimezone(UTC) <= other.astimezone(UTC):
        assert backup_id(one) <= backup_id(other)
        assert Epoch.at(one).name <= Epoch.at(other).name


def test_the_grid_does_not_move() -> None:
    # What is in a store for a year is found by it.
    assert Epoch.at(datetime(2026, 11, 22, 0, 45, tzinfo=UTC)).name == "2026-11-02"
    assert Epoch(date(2026, 11, 2)).locked_until == datetime(2027, 10, 26, tzinfo=UTC)
    assert backup_id(datetime(2026, 11, 22, 0, 45, tzinfo=UTC)) == "20261122T004500Z"


@pytest.mark.parametrize("name", ["", "2026-11-03", "20261102", "2026-13-01", "2026-11-02/", "../etc", "２026-11-02"])
def test_what_is_no_epoch_is_refused(name: str) -> None:
    with pytest.raises(BadBackupName, match="epochs begin every 28 days"):
        Epoch.named(name)


@pytest.mark.parametrize(
    "name",
    ["", "20261122T004500", "20261122t004500z", "20261322T004500Z", "20261122T246000Z", "20261122T004500Z\n", "２" * 8],
)
def test_what_is_no_backup_is_refused(name: str) -> None:
    for read in (begun, epoch_of):
        with pytest.raises(BadBackupName, match="named by their beginning"):
            read(name)


def test_everything_of_an_epoch_lies_below_its_prefix_and_keys_do_not() -> None:
    epoch, backup, owner = Epoch(date(2026, 11, 2)), "20261122T004500Z", "0f" * 16
    within = (
        layout.of_owner(epoch, owner),
        layout.epoch_key(epoch, owner),
        layout.pack(epoch, owner, "ab"),
        layout.manifest(backup, owner),
        layout.night(backup),
        layout.receipt(backup, "france", "verified", backup),
    )
    assert all(key.startswith(layout.of_epoch(epoch)) for key in within)
    assert not any(key.startswith(layout.EPOCHS) for key in (layout.tenant_key(owner), layout.erasure_segment(3)))
