from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from genuka_pipelines.keys import KeyDestroyed, KeyMissing, Keyring, KeyUnusable, Secret, days, open_keyring
from genuka_pipelines.keys.files import read_secret
from tests.keys.crashes import killed_at_each_step

TODAY = date(2026, 11, 22)
YESTERDAY = TODAY - timedelta(days=1)


def test_a_day_has_one_key_and_days_share_none(ring: Keyring, folder: Path) -> None:
    one = ring.device_day(TODAY)
    assert one.digest(b"device") == open_keyring(folder).device_day(TODAY).digest(b"device")
    assert one.digest(b"device") != ring.device_day(YESTERDAY).digest(b"device")
    assert (one.name, one.id) == ("device_day", "2026-11-22")
    path = folder / "device_day" / "2026-11-22.key"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_closed_day_never_comes_back(ring: Keyring, folder: Path, now: datetime) -> None:
    ring.device_day(YESTERDAY)
    today = ring.device_day(TODAY).digest(b"x")
    assert ring.destroy_device_days(TODAY, now=now) == (YESTERDAY,)
    assert ring.destroy_device_days(TODAY, now=now) == ()
    for again in (ring, open_keyring(folder), open_keyring(folder, create=True)):
        for closed in (YESTERDAY, date(2020, 1, 1)):
            with pytest.raises(KeyDestroyed, match="was destroyed when that day was closed"):
                again.device_day(closed)
        assert again.device_day(TODAY).digest(b"x") == today
    # An earlier closing does not open what a later one closed.
    assert ring.destroy_device_days(date(2020, 1, 1), now=now) == ()
    with pytest.raises(KeyDestroyed):
        ring.device_day(YESTERDAY)
    assert [path.stem for path in (folder / "device_day").glob("*.key")] == ["2026-11-22"]


def test_the_bytes_are_overwritten_before_the_file_goes(ring: Keyring, folder: Path, now: datetime) -> None:
    ring.device_day(YESTERDAY)
    path = folder / "device_day" / f"{YESTERDAY}.key"
    before = path.read_bytes()
    with path.open("rb") as still_open:
        ring.destroy_device_days(TODAY, now=now)
        assert still_open.read() != before
    assert not path.exists()


def test_a_day_that_still_counts_is_not_closed(ring: Keyring, now: datetime) -> None:
    with pytest.raises(ValueError, match="over"):
        ring.destroy_device_days(TODAY + timedelta(days=1), now=now)
    # 23:30 UTC is already tomorrow in Paris: the days are UTC's.
    paris = datetime.fromisoformat("2026-11-23T00:30:00+01:00")
    with pytest.raises(ValueError, match="over"):
        ring.destroy_device_days(date(2026, 11, 23), now=paris)
    with pytest.raises(TypeError):
        ring.device_day(datetime(2026, 11, 22, tzinfo=UTC))


def test_a_lost_key_or_state_is_not_replaced_in_silence(ring: Keyring, folder: Path) -> None:
    ring.device_day(TODAY)
    path = folder / "device_day" / "2026-11-22.key"
    path.write_text(path.read_text()[:40])
    with pytest.raises(KeyUnusable, match=r"2026-11-22\.key"):
        ring.device_day(TODAY)
    path.unlink()
    with pytest.raises(KeyMissing, match=r"2026-11-22\.key"):
        ring.device_day(TODAY)
    state = folder / "device_day" / "state.json"
    state.write_text('{"made": 3}')
    with pytest.raises(KeyUnusable, match=r"state\.json"):
        ring.device_day(TODAY)
    state.unlink()
    for create in (False, True):
        with pytest.raises(KeyMissing, match=r"state\.json"):
            open_keyring(folder, create=create)


def test_a_day_closed_while_it_is_read_is_closed(
    ring: Keyring, folder: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.device_day(YESTERDAY)

    def late(path: Path) -> Secret:
        open_keyring(folder).destroy_device_days(TODAY, now=now)
        return read_secret(path)

    monkeypatch.setattr(days, "read_secret", late)
    with pytest.raises(KeyDestroyed):
        ring.device_day(YESTERDAY)


def test_killed_while_making_a_day_the_next_makes_it(
    ring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(list(killed_at_each_step(monkeypatch, lambda: ring.device_day(TODAY)))) >= 4
    assert ring.device_day(TODAY).digest(b"x") == open_keyring(folder).device_day(TODAY).digest(b"x")


def test_killed_while_closing_a_day_it_is_closed_all_the_same(
    ring: Keyring, folder: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(3):
        ring.device_day(YESTERDAY - timedelta(days=day))
    steps = 0
    for steps in killed_at_each_step(monkeypatch, lambda: ring.destroy_device_days(TODAY, now=now)):
        if steps > 2:
            with pytest.raises(KeyDestroyed):
                ring.device_day(YESTERDAY)
    assert steps >= 4
    assert list((folder / "device_day").glob("*.key")) == []
    assert list(folder.rglob("*.tmp")) == []


def _digest(folder: Path) -> bytes:
    return open_keyring(folder).device_day(TODAY).digest(b"x")


def test_processes_that_ask_at_once_get_the_same_key(ring: Keyring, folder: Path) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("fork")) as pool:
        assert len(set(pool.map(_digest, [folder] * 16))) == 1
