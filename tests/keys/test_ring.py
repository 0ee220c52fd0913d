from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from genuka_pipelines.keys import (
    KeyFolderUnusable,
    KeyHeldElsewhere,
    KeyMissing,
    KeyReplaced,
    Keyring,
    KeysNotApart,
    KeyUnusable,
    RootKey,
    open_keyring,
)
from genuka_pipelines.keys.files import new_secret, write_secret
from genuka_pipelines.keys.ring import GIVABLE
from tests.keys.crashes import killed_at_each_step

FILES = [
    "suppression.key",
    "erasure.key",
    "signing.key",
    "root.age",
    "pseudonym_browser/1.key",
    "pseudonym_identity/1.key",
]


def fingerprint(ring: Keyring) -> tuple[object, ...]:
    """Changes when any key does."""
    return (
        sorted(ring.ids.items()),
        ring.pseudonym_browser.current().digest(b"x"),
        ring.pseudonym_identity.current().digest(b"x"),
    )


def open_fingerprint(folder: Path) -> tuple[object, ...]:
    return fingerprint(open_keyring(folder, create=True))


def test_keys_are_made_once_and_are_private(ring: Keyring, folder: Path) -> None:
    assert fingerprint(open_keyring(folder)) == fingerprint(open_keyring(folder, create=True)) == fingerprint(ring)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    for file in FILES:
        assert (folder / file).is_file()


def test_the_ring_signs(ring: Keyring, folder: Path) -> None:
    assert open_keyring(folder).verify(ring.sign(b"head"), b"head")
    assert not ring.verify(ring.sign(b"head"), b"tail")


def test_opening_makes_nothing(folder: Path) -> None:
    with pytest.raises(KeyMissing, match="genuka up"):
        open_keyring(folder)
    assert not folder.exists()
    folder.mkdir(mode=0o700, parents=True)
    with pytest.raises(KeyMissing, match=r"\.key"):
        open_keyring(folder)
    assert list(folder.iterdir()) == []


def test_processes_that_make_them_at_once_get_the_same(folder: Path) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("fork")) as pool:
        found = list(pool.map(open_fingerprint, [folder] * 12))
    assert all(each == found[0] for each in found)


def test_killed_at_any_step_the_next_start_makes_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = iter(range(100))
    steps = 0
    for steps in killed_at_each_step(monkeypatch, lambda: open_keyring(tmp_path / str(next(homes)), create=True)):
        folder = tmp_path / str(steps - 1)
        made = {path: path.read_bytes() for path in folder.rglob("*.key") if path.parent == folder}
        assert open_fingerprint(folder) == fingerprint(open_keyring(folder))
        # What was made before the death stays what it is.
        assert made == {path: path.read_bytes() for path in made}
        assert list(folder.rglob("*.tmp")) == []
    assert steps >= 16


def test_a_process_killed_for_real_leaves_nothing_that_stops_the_next(folder: Path, seed: int) -> None:
    for attempt in range(6):
        child = multiprocessing.get_context("fork").Process(target=open_fingerprint, args=(folder,))
        child.start()
        time.sleep(0.004 * attempt)
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    assert open_fingerprint(folder) == fingerprint(open_keyring(folder))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("create", [False, True])
def test_a_missing_key_is_never_made_anew(ring: Keyring, folder: Path, file: str, create: bool) -> None:
    (folder / file).unlink()
    with pytest.raises(KeyMissing, match=file) as missing:
        open_keyring(folder, create=create)
    assert "put it back" in str(missing.value)
    assert missing.value.exit_code == 2
    assert not (folder / file).exists()


@pytest.mark.parametrize("file", [*FILES, "ring.json", "device_day/state.json"])
def test_truncated_or_altered_files_are_named(ring: Keyring, folder: Path, file: str) -> None:
    path = folder / file
    whole = path.read_bytes()
    for data in (
        b"",
        whole[:3],
        whole[:40],
        whole[: len(whole) - 4],
        b"\xff" * 80,
        b"00" * 32 + b" 0011223344556677\n",
    ):
        path.write_bytes(data)
        with pytest.raises(KeyUnusable, match=file):
            open_keyring(folder)
    path.write_bytes(whole)
    open_keyring(folder)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o660])
def test_a_key_that_others_can_read_is_refused(ring: Keyring, folder: Path, file: str, mode: int) -> None:
    (folder / file).chmod(mode)
    with pytest.raises(KeyUnusable, match=rf"{file} has mode {mode:04o}.*0600"):
        open_keyring(folder)


def test_a_folder_that_others_can_open_is_refused(ring: Keyring, folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(KeyFolderUnusable, match="mode 0755"):
        open_keyring(folder, create=True)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(KeyFolderUnusable, match="keys"):
        open_keyring(tmp_path / "keys", create=True)
    with pytest.raises(KeyFolderUnusable, match="keys"):
        open_keyring(tmp_path / "keys" / "below", create=True)


def test_something_that_is_no_file(ring: Keyring, folder: Path) -> None:
    (folder / "erasure.key").unlink()
    (folder / "erasure.key").mkdir()
    with pytest.raises(KeyUnusable, match=r"erasure\.key is not a file"):
        open_keyring(folder)
    (folder / "erasure.key").rmdir()
    (folder / "erasure.key").symlink_to(folder / "erasure.key")
    with pytest.raises(KeyUnusable, match=r"erasure\.key cannot be read"):
        open_keyring(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write and read everything")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(KeyFolderUnusable, match="cannot be used"):
        open_keyring(tmp_path / "keys", create=True)


def test_a_full_disk_is_one_sentence_and_the_next_start_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeyFolderUnusable, match=r"suppression\.key cannot be written \(No space left"):
            open_keyring(folder, create=True)
    assert open_fingerprint(folder) == fingerprint(open_keyring(folder))


def test_a_ring_of_a_newer_program_is_refused(ring: Keyring, folder: Path) -> None:
    (folder / "ring.json").write_text('{"version": 2, "made": {}}')
    for create in (False, True):
        with pytest.raises(KeyUnusable, match="newer"):
            open_keyring(folder, create=create)


@pytest.mark.parametrize("name", ["suppression", "erasure"])
def test_a_key_that_never_rotates_cannot_be_exchanged(ring: Keyring, folder: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other.key"
    write_secret(other, new_secret())
    for create in (False, True):
        with pytest.raises(KeyReplaced, match=f"the {name} key"):
            open_keyring(folder, create=create, given={name: other})
    write_secret(folder / f"{name}.key", new_secret())
    with pytest.raises(KeyReplaced):
        open_keyring(folder)


def given_files(folder: Path) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    files = {name: folder / name for name in GIVABLE}
    for name, path in files.items():
        if name == "root":
            RootKey.generate().save(path)
        elif name == "escrow":
            path.write_text(f"# the notary\n{RootKey.generate().recipient}\n")
        else:
            path.write_text(new_secret().reveal().hex())
        path.chmod(0o440)
    return files


def test_keys_can_come_from_the_operators_files(folder: Path, tmp_path: Path) -> None:
    given = given_files(tmp_path / "given")
    ring = open_keyring(folder, create=True, given=given)
    assert fingerprint(open_keyring(folder, given=given)) == fingerprint(ring)
    assert {path.name for path in folder.iterdir()} == {".lock", "ring.json", "device_day"}
    current = ring.pseudonym_browser.current()
    assert ring.pseudonym_browser.epoch(current.id).digest(b"x") == current.digest(b"x")
    assert ring.erasure.hex(b"x") != ring.suppression.hex(b"x")
    # Taking the files away must not bring new keys.
    with pytest.raises(KeyMissing):
        open_keyring(folder, create=True)


def test_a_given_key_is_rotated_where_it_is_held(folder: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from genuka_pipelines.keys import KeyDestroyed

    browser = open_keyring(folder, create=True, given=given_files(tmp_path / "given")).pseudonym_browser
    with pytest.raises(KeyHeldElsewhere, match="GENUKA_KEY_PSEUDONYM_BROWSER_FILE"):
        browser.rotate(replacing=browser.current().id, now=datetime.now(UTC))
    with pytest.raises(KeyDestroyed):
        browser.epoch("1")
    assert browser.destroy_ended(datetime.now(UTC)) == ()


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda path: path.chmod(0o644), KeyUnusable, "mode 0644"),
        (lambda path: path.write_text("0123"), KeyUnusable, "truncated"),
        (lambda path: path.write_text("aa" * 32 + " 0011223344556677"), KeyUnusable, "truncated or altered"),
        (lambda path: path.unlink(), KeyMissing, "missing"),
    ],
)
def test_a_bad_given_file_is_named(folder: Path, tmp_path: Path, damage: object, error: type, words: str) -> None:
    given = given_files(tmp_path / "given")
    assert callable(damage)
    given["erasure"].chmod(0o600)
    damage(given["erasure"])
    with pytest.raises(error, match=f"given/erasure.*{words}"):
        open_keyring(folder, create=True, given=given)


def test_two_uses_never_share_a_key(folder: Path, tmp_path: Path) -> None:
    given = given_files(tmp_path / "given")
    given["pseudonym_identity"] = given["pseudonym_browser"]
    with pytest.raises(KeysNotApart, match="pseudonym_browser and pseudonym_identity are the same"):
        open_keyring(folder, create=True, given=given)


def test_a_name_nobody_knows_is_answered_with_the_valid_ones(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match=r"'erasures'.*erasure, escrow, pseudonym_browser"):
        open_keyring(folder, create=True, given={"erasures": tmp_path})
    with pytest.raises(KeyHeldElsewhere, match="device_day"):
        open_keyring(folder, create=True, given={"device_day": tmp_path})
