"""What is special to a folder: files, modes, full and read-only disks, death at every step."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from genuka_pipelines.stores.errors import (
    CorruptObject,
    ForeignFile,
    InvalidKey,
    Locked,
    NoSuchFolder,
    NoSuchObject,
)
from genuka_pipelines.stores.folder.one_key import versions_of
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.purge import purge
from genuka_pipelines.stores.store import Store, Stored
from tests.stores.helpers import files_in, leftovers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root, name="usa", create=True)


# the layout


def test_current_bytes_lie_at_the_plain_path(store: FolderStore, root: Path) -> None:
    store.put("é t/b c", b"1")
    assert (root / "é t/b c").read_bytes() == b"1"
    old = (root / "é t/b c").stat().st_ino
    store.put("é t/b c", b"2", if_absent=False)
    assert (root / "é t/b c").read_bytes() == b"2"
    assert (root / "é t/b c").stat().st_ino != old
    store.delete("é t/b c")
    assert files_in(root) == [f for f in files_in(root) if f.startswith(".store/")]
    assert not (root / "é t").exists()
    assert leftovers(root) == []


def test_destroying_an_older_version_leaves_the_plain_path(store: FolderStore, root: Path) -> None:
    versions = [store.put("a", b"%d" % n, if_absent=False).version for n in range(4)]
    for old in (versions[1], versions[2], versions[0]):
        store.delete("a", version=old)
        assert (root / "a").read_bytes() == store.get("a") == b"3"
    store.delete("a")
    (root / "a").write_text("mine")
    store.delete("a", version=versions[3])
    assert (root / "a").read_text() == "mine"


def test_purge_goes_from_the_oldest_so_that_none_shows_again(store: FolderStore) -> None:
    store.put("a", b"1")
    locked = store.put("a", b"2", if_absent=False, retain_until=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(Locked):
        purge(store, "a")
    assert [s.version for s in store.list("a", versions=True)] == [locked.version]


def test_everything_is_private(store: FolderStore, root: Path) -> None:
    mask = os.umask(0)
    try:
        store.put("a/b/c", b"1")
        store.put("a/b/c", b"2", if_absent=False)
        store.retain("a/b/c", datetime.now(UTC) + timedelta(days=1))
    finally:
        os.umask(mask)
    for path in [root, *root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_destroyed_versions_leave_no_byte_and_no_empty_folder(store: FolderStore, root: Path) -> None:
    for data in (b"first secret", b"second secret"):
        store.put("a/b/c", data, if_absent=False)
    store.put("a/other", b"stays")
    for version in list(store.list("a/b/c", versions=True)):
        store.delete("a/b/c", version=version.version)
    assert not (root / "a/b").exists()
    assert not (root / ".store/versions/a/b").exists()
    assert all(b"secret" not in f.read_bytes() for f in root.rglob("*") if f.is_file())


def test_a_key_below_another_is_refused_until_it_is_gone(store: FolderStore, root: Path) -> None:
    store.put("a", b"1")
    with pytest.raises(InvalidKey, match="below another"):
        store.put("a/b", b"2")
    marker = store.delete("a")
    store.put("a/b", b"2")
    with pytest.raises(InvalidKey, match="lie below"):
        store.put("a", b"3")
    with pytest.raises(InvalidKey, match="lie below"):
        store.delete("a", version=marker)  # would show "a" again
    assert [s.key for s in store.list()] == ["a/b"]
    assert [s.key for s in store.list(versions=True)] == ["a", "a", "a/b"]
    assert leftovers(root) == []


def test_a_file_that_is_not_ours_is_never_overwritten_or_removed(store: FolderStore, root: Path) -> None:
    (root / "mine.txt").write_text("mine")
    with pytest.raises(ForeignFile):
        store.put("mine.txt", b"yours")
    assert store.delete("mine.txt") is None
    store.sweep()
    assert (root / "mine.txt").read_text() == "mine"
    assert list(store.list(versions=True)) == []
    assert leftovers(root) == []
    (root / "mine.txt").unlink()
    store.put("mine.txt", b"yours")


def test_a_copied_store_still_works(store: FolderStore, root: Path, tmp_path: Path) -> None:
    """`cp -r` breaks the hard links; the copy must still replace and hide."""
    until = datetime.now(UTC) + timedelta(days=1)
    locked = store.put("a", b"1", retain_until=until)
    store.put("b", b"1")
    subprocess.run(["cp", "-r", str(root), str(tmp_path / "copy")], check=True)
    copy = FolderStore(tmp_path / "copy", name="copy")
    assert copy.get("a") == b"1"
    copy.put("b", b"2", if_absent=False)
    assert (tmp_path / "copy/b").read_bytes() == b"2"
    copy.delete("a")
    assert not (tmp_path / "copy/a").exists()
    with pytest.raises(Locked):
        copy.delete("a", version=locked.version)


def test_locks_follow_the_clock_they_are_given(root: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store = FolderStore(root, name="usa", create=True, clock=lambda: now)
    put = store.put("a", b"1", retain_until=now + timedelta(days=358))
    assert put.created == now
    now += timedelta(days=357)
    with pytest.raises(Locked):
        store.delete("a", version=put.version)
    now += timedelta(days=2)
    store.delete("a", version=put.version)


def test_versions_keep_their_order_when_the_clock_runs_backwards(root: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store = FolderStore(root, name="usa", create=True, clock=lambda: now)
    for number in range(12):
        now -= timedelta(days=1)
        store.put("a", b"%d" % number, if_absent=False)
    assert store.get("a") == b"11"
    sizes = [store.get("a", version=s.version) for s in store.list(versions=True)]
    assert sizes == [b"%d" % n for n in range(11, -1, -1)]


def test_the_versions_of_one_key_are_told_without_its_neighbours(store: FolderStore) -> None:
    """As a prefix that other keys begin with too would list them, hidden ones and their markers among them."""
    for key in ("v1/k/ab", "v1/k/abc", "v1/k/a", "v1/k/ab-c", "v1/k/é t"):
        for data in (b"1", b"2"):
            store.put(key, data, if_absent=False)
    store.delete("v1/k/ab")
    for key in ("v1/k/ab", "v1/k/é t", "v1/k/nobody", "v1/k"):
        listed = tuple(one for one in store.list(key, versions=True) if one.key == key)
        assert store.versions(key) == listed == versions_of(store, key)
        assert versions_of(cast(Store, Plain(store)), key) == listed
    assert [one.marker for one in store.versions("v1/k/ab")] == [True, False, False]
    with pytest.raises(InvalidKey):
        store.versions("../v1")


@dataclass
class Plain:
    """A store that can only list."""

    store: FolderStore

    def list(self, prefix: str, *, versions: bool) -> Iterator[Stored]:
        return self.store.list(prefix, versions=versions)


def test_a_folder_that_goes_away_is_missed_by_who_had_it_open(store: FolderStore, root: Path) -> None:
    store.put("a", b"1")
    root.rename(root.with_name("away"))
    for ask in (lambda: store.put("b", b"2"), lambda: list(store.list()), lambda: store.versions("a")):
        with pytest.raises(NoSuchFolder):
            ask()
    root.with_name("away").rename(root)
    assert store.get("a") == b"1"
    (root / ".store/format").write_bytes(b"genuka folder store 9\n")
    with pytest.raises(NoSuchFolder, match="another format"):
        store.put("b", b"2")


@pytest.mark.parametrize("key", ["a/../b", "a/./b", "a/.store/b", "a//b", "/a", "a/", "a\n", "a" * 201, "a/" * 600])
def test_what_is_allowed_at_a_glance_leaves_no_folder(store: FolderStore, key: str) -> None:
    for ask in (lambda: store.put(key, b"1"), lambda: store.get(key), lambda: store.versions(key)):
        with pytest.raises(InvalidKey):
            ask()


# damage


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": "b"}', b"\xff\xfe"])
def test_a_damaged_record_is_said_and_nothing_is_destroyed(store: FolderStore, root: Path, damage: bytes) -> None:
    put = store.put("a", b"1")
    record = root / f".store/versions/a/.store/{put.version}.json"
    record.write_bytes(damage)
    for act in (store.get, store.head, store.delete, store.retention):
        with pytest.raises(CorruptObject):
            act("a")
    with pytest.raises(CorruptObject):
        store.delete("a", version=put.version)
    assert record.read_bytes() == damage


def test_a_record_moved_to_another_key_is_noticed(store: FolderStore, root: Path) -> None:
    put = store.put("a", b"1", retain_until=datetime.now(UTC) + timedelta(days=1))
    record = root / f".store/versions/a/.store/{put.version}.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "key": "b"}))
    with pytest.raises(CorruptObject):
        store.head("a")


def test_missing_bytes_are_not_a_missing_object(store: FolderStore, root: Path) -> None:
    put = store.put("a", b"1")
    (root / f".store/versions/a/.store/{put.version}.data").unlink()
    with pytest.raises(CorruptObject, match="missing"):
        store.get("a")
    store.delete("a", version=put.version)
    with pytest.raises(NoSuchObject):
        store.get("a")


# size


def test_two_hundred_megabytes_in_flat_memory(root: Path) -> None:
    """In a process of its own, whose peak tells."""
    code = f"""
import io, resource
from pathlib import Path
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.purge import purge
from tests.stores.helpers import files_in, leftovers

class Zeros(io.RawIOBase):
    left = 200 << 20
    def readable(self): return True
    def read(self, size=-1):
        size = min(size, self.left); self.left -= size
        return bytes(size)

class Nowhere(io.RawIOBase):
    def write(self, data): return len(data)

store = FolderStore(Path({str(root)!r}), name="usa", create=True)
store.put("warm", b"x" * (2 << 20)); store.read_into("warm", Nowhere())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert store.put("big", Zeros()).size == 200 << 20
store.read_into("big", Nowhere())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 * 1024, "KiB more at the peak"
    (root / "big").unlink()
