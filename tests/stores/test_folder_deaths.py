"""A folder store on bad days: killed at every step, disks that are full, read-only or somebody else's."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.stores.errors import NotAllowed, StoreError, StoreFull, StoreUnreachable
from genuka_pipelines.stores.folder import disk
from genuka_pipelines.stores.folder.store import FolderStore
from tests.stores.helpers import MIB, files_in, leftovers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root, name="usa", create=True)


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
        "locks": [None if s.marker else store.retention(s.key, version=s.version) for s in store.list(versions=True)],
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
def test_killed_at_any_step_it_leaves_old_or_new(in_memory: Path, act: Callable[[FolderStore], object]) -> None:
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


def test_a_sweep_between_making_and_locking_a_scratch_file_does_no_harm(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, sweeps = fcntl.flock, [1, 1]

    def swept_first(file: int, how: int) -> None:
        if sweeps and how == fcntl.LOCK_EX:
            for scratch in (root / ".store/scratch").iterdir():
                sweeps.pop()
                scratch.unlink()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", swept_first)
    store.put("a", b"1")
    assert not sweeps
    assert store.get("a") == b"1"


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


def test_a_disk_that_fails_is_not_an_absent_file(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dead writer left would not be mended, and what is there would not be shown."""
    store.put("a", b"1")
    look = os.stat

    def fails(path: Any, **how: Any) -> os.stat_result:
        if "/pending/" in str(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return look(path, **how)

    monkeypatch.setattr(os, "stat", fails)
    with pytest.raises(StoreUnreachable, match="check the disk"):
        store.put("a", b"2", if_absent=False)
    monkeypatch.undo()
    assert store.get("a") == b"1"
    assert leftovers(root) == []


def test_every_system_error_becomes_a_sentence_without_the_path() -> None:
    from genuka_pipelines.stores.naming import Shown

    for code in errno.errorcode:
        with pytest.raises(StoreError) as named, disk.disk_errors(Shown("usa")):
            raise OSError(code, os.strerror(code), "/secret/path")
        assert "/secret" not in str(named.value)
        assert str(named.value).endswith(".")
        assert named.value.__suppress_context__
