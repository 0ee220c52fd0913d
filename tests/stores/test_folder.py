"""What is special to a folder: files, modes, full and read-only disks, death at every step."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.stores import disk
from genuka_pipelines.stores.errors import (
    CorruptObject,
    ForeignFile,
    InvalidKey,
    Locked,
    NoSuchObject,
    NotAllowed,
    StoreError,
    StoreFull,
)
from genuka_pipelines.stores.folder import FolderStore

MIB = 1 << 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root, name="usa", create=True)


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def leftovers(root: Path) -> list[str]:
    return files_in(root / ".store/scratch") + files_in(root / ".store/pending")


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


# damage


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": "b"}', b"\xff\xfe"])
def test_a_damaged_record_is_said_and_nothing_is_destroyed(
    store: FolderStore, root: Path, damage: bytes
) -> None:
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


# death at every step


class _Dying:
    """Kills this process at the n-th call that touches the disk."""

    calls = ("open", "write", "fsync", "link", "rename", "replace", "unlink", "mkdir", "rmdir", "close")

    def __init__(self, at: int) -> None:
        self.left = at

    def install(self) -> None:
        for name in self.calls:
            setattr(os, name, self._deadly(getattr(os, name)))

    def _deadly(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*arguments: Any, **options: Any) -> Any:
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
            return call(*arguments, **options)

        return deadly


def _dies(at: int, act: Callable[[], object]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            _Dying(at).install()
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _state(store: FolderStore, root: Path) -> dict[str, Any]:
    """All that anybody can see, by API and by path."""
    return {
        "current": [(s.key, store.get(s.key)) for s in store.list()],
        "versions": [
            (s.key, s.marker, b"" if s.marker else store.get(s.key, version=s.version))
            for s in store.list(versions=True)
        ],
        "paths": [(f, (root / f).read_bytes()) for f in files_in(root) if not f.startswith(".store")],
        "locks": [
            None if s.marker else store.retention(s.key, version=s.version) for s in store.list(versions=True)
        ],
    }


UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def _newest(store: FolderStore, key: str) -> str | None:
    return next(store.list(key, versions=True)).version


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda s: s.put("new/deep/key", b"new", retain_until=UNTIL), id="put a new key"),
        pytest.param(lambda s: s.put("old", b"new", if_absent=False), id="replace"),
        pytest.param(lambda s: s.put("hidden", b"new"), id="put over a marker"),
        pytest.param(lambda s: s.delete("old"), id="hide"),
        pytest.param(lambda s: s.delete("old", version=_newest(s, "old")), id="destroy the newest"),
        pytest.param(lambda s: s.delete("d/alone", version=_newest(s, "d/alone")), id="destroy the only"),
        pytest.param(lambda s: s.delete("hidden", version=_newest(s, "hidden")), id="show again"),
        pytest.param(lambda s: s.retain("old", UNTIL), id="lock"),
    ],
)
def test_killed_at_any_step_it_leaves_old_or_new(
    in_memory: Path, act: Callable[[FolderStore], object]
) -> None:
    def prepared(root: Path) -> FolderStore:
        store = FolderStore(root, name="usa", create=True)
        store.put("old", b"1")
        store.put("old", b"2", if_absent=False)
        store.put("hidden", b"3")
        store.delete("hidden")
        store.put("d/alone", b"4")
        return store

    reference = prepared(in_memory / "reference")
    before = _state(reference, in_memory / "reference")
    act(reference)
    after = _state(reference, in_memory / "reference")
    assert before != after

    seen = []
    step = 0
    while True:
        root = in_memory / str(step)
        victim = prepared(root)
        killed = _dies(step, lambda victim=victim: act(victim))  # type: ignore[misc]
        heir = FolderStore(root, name="usa")
        by_interface = {k: v for k, v in _state(heir, root).items() if k != "paths"}
        assert by_interface in [{k: v for k, v in s.items() if k != "paths"} for s in (before, after)], step
        heir.sweep()
        left = _state(heir, root)
        assert left in (before, after), step
        assert leftovers(root) == []
        names = {f.rsplit(".", 1)[0] for f in files_in(root / ".store/versions")}
        records = {f.removesuffix(".json") for f in files_in(root / ".store/versions") if f.endswith(".json")}
        assert names == records
        seen.append(left == after)
        if not killed:
            break
        step += 1
    assert step > 5
    assert seen == sorted(seen)  # one commit point: old up to it, new from it on
    assert seen[-1]
    assert not seen[0]


def test_a_living_writer_is_not_swept(store: FolderStore, root: Path) -> None:
    class Slow(io.RawIOBase):
        swept: int | None = None

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1, /) -> bytes:
            if self.swept is None:
                self.swept = FolderStore(root, name="usa").sweep()
                return b"x" * 1000
            return b""

    stream = Slow()
    store.put("a", stream)  # type: ignore[arg-type]
    assert stream.swept == 0
    assert store.get("a") == b"x" * 1000
    (root / ".store/scratch/dead").write_bytes(b"junk")
    assert store.sweep() == 1
    assert leftovers(root) == []


# disks that refuse


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("not root: a full or read-only disk was NOT tried")
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], capture_output=True
    )
    if made.returncode:
        pytest.skip("no right to mount: a full or read-only disk was NOT tried")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as root:
        store = FolderStore(root, name="usa", create=True)
        store.put("a", b"a" * 300_000)
        before = _state(store, root)
        for absent in (True, False):
            with pytest.raises(StoreFull, match="no room left") as full:
                store.put("b" if absent else "a", b"b" * 2 * MIB, if_absent=absent)
            assert str(root) not in str(full.value)
            assert _state(store, root) == before
            assert leftovers(root) == []
        store.put("b", b"b" * 300_000)


def test_a_disk_that_fills_at_any_step_leaves_old_or_new(tmp_path: Path) -> None:
    """Down to the last page: the bytes fit, the record or the note does not."""
    refused = 0
    with small_disk(tmp_path / "disk", "512k") as root:
        store = FolderStore(root, name="usa", create=True)
        store.put("a", b"1")
        filler = root / "filler"
        for free in range(12):
            page = 4096
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(page))
            os.truncate(filler, max(0, filler.stat().st_size - free * page))
            before = [s.version for s in store.list("a", versions=True)]
            try:
                store.put("a", b"2", if_absent=False)
            except StoreFull:
                refused += 1
                assert [s.version for s in store.list("a", versions=True)] == before
            filler.unlink()
            assert leftovers(root) == []
            assert (root / "a").read_bytes() == store.get("a")
    assert 0 < refused < 12


def test_a_read_only_disk_can_be_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as root:
        put = FolderStore(root, name="usa", create=True).put("a", b"1")
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        store = FolderStore(root, name="usa")
        assert store.get("a") == b"1"
        assert [s.key for s in store.list()] == ["a"]
        acts: list[Callable[[], object]] = [
            lambda: store.put("b", b""),
            lambda: store.delete("a"),
            lambda: store.delete("a", version=put.version),
            lambda: store.probe(),
        ]
        for act in acts:
            with pytest.raises(NotAllowed, match="read-only"):
                act()
        with pytest.raises(NotAllowed):
            FolderStore(root / "b", name="usa", create=True)


def test_a_folder_closed_to_this_user_is_said(store: FolderStore, root: Path) -> None:
    """In a child, because root may do anything until it is somebody else."""
    if os.geteuid() != 0:
        pytest.skip("not root: another user's folder was NOT tried")
    store.put("a", b"1")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setuid(65534)
            store.put("b", b"2")
        except NotAllowed as refused:
            code = 0 if "closed to this user" in str(refused) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_every_system_error_becomes_a_sentence_without_the_path() -> None:
    from genuka_pipelines.stores.naming import Shown

    for code in errno.errorcode:
        with pytest.raises(StoreError) as named, disk.disk_errors(Shown("usa")):
            raise OSError(code, os.strerror(code), "/secret/path")
        assert "/secret" not in str(named.value)
        assert str(named.value).endswith(".")
        assert named.value.__suppress_context__


# size


def test_two_hundred_megabytes_in_flat_memory(root: Path) -> None:
    """In a process of its own, whose peak tells."""
    code = f"""
import io, resource
from pathlib import Path
from genuka_pipelines.stores.folder import FolderStore

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
