from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from genuka_pipelines.keys import KeyDestroyed, KeyMissing, Keyring, KeyUnusable, Secret, epochs, open_keyring
from genuka_pipelines.keys.files import read_secret
from tests.keys.crashes import killed_at_each_step

WEEK = timedelta(days=7)


def test_browser_and_identity_share_no_key(ring: Keyring) -> None:
    assert ring.pseudonym_browser.current().digest(b"x") != ring.pseudonym_identity.current().digest(b"x")
    assert ring.pseudonym_browser.current().name == "pseudonym_browser"


def test_rotation_keeps_the_old_key_only_as_long_as_asked(ring: Keyring, folder: Path, now: datetime) -> None:
    browser = ring.pseudonym_browser
    first = browser.current()
    second = browser.rotate(replacing=first.id, now=now, keep=WEEK)
    assert (first.id, second.id) == ("1", "2")
    assert first.digest(b"x") != second.digest(b"x")
    assert browser.epoch("1").digest(b"x") == first.digest(b"x")
    assert browser.destroy_ended(now + WEEK - timedelta(seconds=1)) == ()
    assert browser.destroy_ended(now + WEEK) == ("1",)
    for ring_again in (ring, open_keyring(folder), open_keyring(folder, create=True)):
        with pytest.raises(KeyDestroyed, match="epoch 1 of pseudonym_browser"):
            ring_again.pseudonym_browser.epoch("1")
        assert ring_again.pseudonym_browser.current().digest(b"x") == second.digest(b"x")
    assert not (folder / "pseudonym_browser" / "1.key").exists()
    assert ring.pseudonym_identity.current().id == "1"


def test_rotation_without_keeping_destroys_at_once(ring: Keyring, now: datetime) -> None:
    ring.pseudonym_browser.rotate(replacing="1", now=now)
    with pytest.raises(KeyDestroyed):
        ring.pseudonym_browser.epoch("1")
    for never in ("3", "0", "../1", "", "one"):
        with pytest.raises(KeyDestroyed):
            ring.pseudonym_browser.epoch(never)


def test_two_that_rotate_the_same_epoch_rotate_once(ring: Keyring, folder: Path, now: datetime) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("fork")) as pool:
        assert set(pool.map(_rotate, [folder] * 12, [now] * 12)) == {"2"}
    assert ring.pseudonym_browser.current().id == "2"


def _rotate(folder: Path, now: datetime) -> str:
    return open_keyring(folder).pseudonym_browser.rotate(replacing="1", now=now).id


def test_readers_never_fail_while_others_rotate(ring: Keyring, folder: Path, now: datetime) -> None:
    context = multiprocessing.get_context("fork")
    writer = context.Process(target=_rotate_often, args=(folder, now))
    writer.start()
    seen = set()
    while writer.is_alive():
        seen.add(ring.pseudonym_browser.current().id)
    writer.join()
    assert writer.exitcode == 0
    assert ring.pseudonym_browser.current().id == "31"
    assert len(seen) > 1


def _rotate_often(folder: Path, now: datetime) -> None:
    browser = open_keyring(folder).pseudonym_browser
    for epoch in range(1, 31):
        browser.rotate(replacing=str(epoch), now=now)


def test_an_epoch_destroyed_while_it_is_read_gives_way_to_the_next(
    ring: Keyring, folder: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(path: Path) -> Secret:
        monkeypatch.setattr(epochs, "read_secret", read_secret)
        open_keyring(folder).pseudonym_browser.rotate(replacing="1", now=now)
        return read_secret(path)

    monkeypatch.setattr(epochs, "read_secret", late)
    assert ring.pseudonym_browser.current().id == "2"


def test_killed_at_any_step_of_a_rotation_one_key_is_current(
    ring: Keyring, folder: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = ring.pseudonym_browser
    steps = 0
    for steps in killed_at_each_step(monkeypatch, lambda: browser.rotate(replacing="1", now=now)):  # noqa: B007
        current = browser.current()
        assert current.digest(b"x") == open_keyring(folder).pseudonym_browser.current().digest(b"x")
    assert steps >= 4
    assert browser.current().id == "2"
    browser.destroy_ended(now)
    assert {path.name for path in (folder / "pseudonym_browser").iterdir()} == {"2.key", "state.json"}


def test_a_lost_or_altered_epoch_is_named(ring: Keyring, folder: Path) -> None:
    path = folder / "pseudonym_browser" / "1.key"
    path.write_text("00" * 32 + " 0123456789abcdef\n")
    with pytest.raises(KeyUnusable, match=r"pseudonym_browser/1\.key"):
        ring.pseudonym_browser.current()
    path.unlink()
    for create in (False, True):
        with pytest.raises(KeyMissing, match=r"pseudonym_browser/1\.key"):
            open_keyring(folder, create=create)
    (folder / "pseudonym_browser" / "state.json").write_text("[")
    with pytest.raises(KeyUnusable, match=r"state\.json"):
        ring.pseudonym_browser.current()
