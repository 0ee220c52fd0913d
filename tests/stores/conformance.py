"""What every store must do, whatever it is made of. Each backend's test class inherits all of it."""

from __future__ import annotations

import io
import os
import random
import time
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.stores.errors import (
    AlreadyThere,
    ChecksumMismatch,
    CorruptObject,
    InvalidKey,
    Locked,
    NoSuchObject,
    NoSuchStore,
    Occupied,
    RetentionRefused,
)
from genuka_pipelines.stores.purge import purge
from genuka_pipelines.stores.store import Resistance, Store
from tests.conftest import ROUNDS
from tests.stores.backends import Backend
from tests.stores.conformance_races import Races
from tests.stores.helpers import MIB, Pipe, sha256, soon

segments = st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="/\x7f"), min_size=1, max_size=12)
keys = st.lists(segments.filter(lambda s: s not in (".", "..", ".store")), min_size=1, max_size=4).map("/".join)


class Conformance(Races):
    """Inherit, and give the fixtures `backend` (one for all will do, tests use their own keys), `kills`, `races`."""

    @pytest.fixture
    def store(self, backend: Backend) -> Store:
        return backend.open()

    @pytest.fixture
    def key(self) -> str:
        return f"t/{os.urandom(6).hex()}/é"

    # bytes in, bytes out

    @pytest.mark.parametrize("size", [0, 1, 2, MIB - 1, MIB, MIB + 1, 3 * MIB + 17])
    def test_gives_back_what_was_put(self, store: Store, key: str, size: int) -> None:
        data = random.Random(size).randbytes(size)
        put = store.put(key, data)
        assert (put.key, put.size, put.sha256, put.marker) == (key, size, sha256(data), False)
        assert put.current
        assert abs(put.created - datetime.now(UTC)) < timedelta(seconds=30)
        assert store.get(key) == data
        assert store.head(key) == put == store.head(key)
        out = io.BytesIO()
        assert store.read_into(key, out) == put
        assert out.getvalue() == data
        with store.open(key) as reader:
            assert b"".join(iter(lambda: reader.read(99_999), b"")) == data

    def test_any_key_and_bytes_survive(self, store: Store, backend: Backend) -> None:
        @settings(max_examples=min(ROUNDS, 40))
        @given(key=keys, data=st.binary(max_size=100), number=st.integers(0, 10**9))
        def survive(key: str, data: bytes, number: int) -> None:
            key = f"any/{number}/{key}"
            store.put(key, data, if_absent=False)
            assert backend.open().get(key) == data
            assert [s.key for s in store.list(key)] == [key]

        survive()

    @pytest.mark.parametrize("absent", [True, False])
    def test_takes_streams_from_where_they_stand(self, store: Store, key: str, absent: bool) -> None:
        data = random.Random(1).randbytes(300_000)
        half_read = io.BytesIO(data)
        half_read.seek(1000)
        assert store.put(key, half_read, if_absent=absent).sha256 == sha256(data[1000:])
        assert store.put(key + "2", cast(BinaryIO, Pipe(data)), if_absent=absent).sha256 == sha256(data)
        assert store.get(key + "2") == data

    def test_gives_ranges(self, store: Store, key: str) -> None:
        data = random.Random(2).randbytes(5000)
        version = store.put(key, data).version
        store.put(key + "empty", b"")

        @settings(max_examples=min(ROUNDS, 40))
        @given(start=st.integers(0, 5500), length=st.none() | st.integers(0, 5500))
        def slices(start: int, length: int | None) -> None:
            end = None if length is None else start + length
            assert store.get(key, start=start, length=length) == data[start:end]
            assert store.get(key, version=version, start=start, length=length) == data[start:end]

        slices()
        assert store.get(key + "empty", start=0, length=5) == b""
        assert store.get(key + "empty", start=5) == b""
        with pytest.raises(ValueError, match="negative"):
            store.get(key, start=-1)
        with pytest.raises(NoSuchObject):
            store.get(key + "absent", start=3, length=0)

    def test_refuses_bytes_that_were_not_announced(self, store: Store, key: str) -> None:
        with pytest.raises(ChecksumMismatch):
            store.put(key, b"abc", sha256=sha256(b"abd"))
        with pytest.raises(NoSuchObject):
            store.head(key)
        assert list(store.list(key, versions=True)) == []
        store.put(key, b"abc", sha256=sha256(b"abc").upper())
        with pytest.raises(ChecksumMismatch):
            store.put(key, b"abc", sha256=sha256(b"abd"))

    @pytest.mark.parametrize(
        "bad",
        [
            "x" * 201,
            "é" * 101,
            "/".join(["x" * 199] * 6),
            "\ud800",
            "",
            "/a",
            "a//b",
            "a/",
            "..",
            "a/../b",
            ".",
            "a/./b",
            "a\0b",
            "a\nb",
            ".store",
            "a/.store/b",
        ],
    )
    def test_refuses_keys_that_not_every_store_can_hold(self, store: Store, bad: str) -> None:
        with pytest.raises(InvalidKey) as refused:
            store.put(bad, b"")
        assert "\n" not in str(refused.value)
        assert str(refused.value).count(".") <= 2

    def test_takes_long_keys_and_odd_names(self, store: Store) -> None:
        for key in (
            "/".join(["x" * 200] * 4),
            "é" * 100,
            "a b+c%20&?#",
            "C:\\x",
            "…",
            "~",
            " ",
            "..a",
            "-rf",
            "*",
        ):
            store.put(f"odd/{key}", key.encode())
            assert store.get(f"odd/{key}") == key.encode()

    # absent or not

    def test_what_is_not_there(self, store: Store, key: str) -> None:
        for read in (store.head, store.get, store.retention, store.open):
            with pytest.raises(NoSuchObject):
                read(key)
        assert store.delete(key) is None
        assert store.delete(key, version="0000000001-abcdefabcdef") is None
        assert list(store.list(key, versions=True)) == []
        store.put(key, b"x")
        for nonsense in ("0000000001-abcdefabcdef", "../../../../etc/passwd", "nosuch"):
            with pytest.raises(NoSuchObject):
                store.get(key, version=nonsense)

    def test_put_if_absent_tells_the_same_from_the_different(self, store: Store, key: str) -> None:
        first = store.put(key, b"same")
        for again in (b"same", io.BytesIO(b"same"), cast(BinaryIO, Pipe(b"same"))):
            with pytest.raises(AlreadyThere) as there:
                store.put(key, again)
            assert (there.value.existing, there.value.retention) == (first, None)
        for other in (b"somE", b"", b"same but longer"):
            with pytest.raises(Occupied):
                store.put(key, other)
        assert [s.version for s in store.list(key, versions=True)] == [first.version]
        assert store.get(key) == b"same"

    def test_never_takes_damaged_bytes_for_the_same(self, store: Store, backend: Backend, key: str) -> None:
        backend.damage(store.put(key, b"precious"), b"preciouS")
        with pytest.raises(CorruptObject):
            store.put(key, b"precious")

    @pytest.mark.parametrize("damaged", [b"preciouS bytes", b"precious", b"", b"precious bytes and more"])
    def test_notices_damage(self, store: Store, backend: Backend, key: str, damaged: bytes) -> None:
        backend.damage(store.put(key, b"precious bytes"), damaged)
        with pytest.raises(CorruptObject) as corrupt:
            store.get(key)
        assert key in str(corrupt.value)
        assert "precious" not in str(corrupt.value)
        assert corrupt.value.exit_code == 1
        with pytest.raises(CorruptObject):
            store.read_into(key, io.BytesIO())
        with store.open(key) as reader, pytest.raises(CorruptObject):
            reader.read()

    # versions

    def test_keeps_versions(self, store: Store, key: str) -> None:
        put = [store.put(key, data, if_absent=False) for data in (b"1", b"22", b"1")]
        assert len({p.version for p in put}) == 3
        assert store.get(key) == b"1"
        assert [store.get(key, version=p.version) for p in put] == [b"1", b"22", b"1"]
        assert store.head(key, version=put[1].version).sha256 == sha256(b"22")
        listed = list(store.list(key, versions=True))
        assert [(s.version, s.current, s.size) for s in listed] == [
            (put[2].version, True, 1),
            (put[1].version, False, 2),
            (put[0].version, False, 1),
        ]
        assert [s.current for s in store.list(key)] == [True]

    def test_hides_behind_a_marker_and_shows_again(self, store: Store, key: str) -> None:
        put = store.put(key, b"seen")
        marker = store.delete(key)
        assert marker is not None
        assert store.delete(key) is None
        for read in (store.head, store.get):
            with pytest.raises(NoSuchObject):
                read(key)
        assert list(store.list(key)) == []
        newest, oldest = store.list(key, versions=True)
        assert (newest.version, newest.marker, newest.current, newest.size) == (marker, True, True, 0)
        assert (oldest.version, oldest.marker, oldest.current) == (put.version, False, False)
        assert store.get(key, version=put.version) == b"seen"
        with pytest.raises(NoSuchObject):
            store.get(key, version=marker)

        assert store.delete(key, version=marker) is None
        assert store.head(key) == put
        store.delete(key)
        above = store.put(key, b"new")  # a hidden key counts as absent
        assert store.get(key) == b"new"
        assert [s.marker for s in store.list(key, versions=True)] == [False, True, False]
        store.delete(key, version=above.version)
        with pytest.raises(NoSuchObject):
            store.get(key)

    def test_deleting_the_newest_version_shows_the_one_below(self, store: Store, key: str) -> None:
        old, new = store.put(key, b"old"), store.put(key, b"new", if_absent=False)
        for _ in range(2):
            store.delete(key, version=new.version)
            assert store.get(key) == b"old"
        with pytest.raises(NoSuchObject):
            store.get(key, version=new.version)
        store.delete(key, version=old.version)
        assert list(store.list(key, versions=True)) == []
        assert store.put(key, b"fresh").size == 5

    def test_purge_leaves_nothing(self, store: Store, key: str) -> None:
        for data in (b"1", b"2", b"3"):
            store.put(key, data, if_absent=False)
        assert purge(store, key, keep_current=True) == 2
        assert store.get(key) == b"3"
        store.delete(key)
        store.put(key + "-neighbour", b"stays")
        assert purge(store, key) == 2
        assert [s.key for s in store.list(key, versions=True)] == [key + "-neighbour"]
        assert purge(store, key) == 0

    # locks

    def test_a_lock_holds_and_then_ends(self, store: Store, backend: Backend, key: str) -> None:
        until = soon(0.5).replace(microsecond=0) + timedelta(seconds=1)
        put = store.put(key, b"kept", retain_until=until)
        lock = store.retention(key)
        assert lock is not None
        assert (lock.until, lock.mode) == (until, store.capabilities().lock)
        assert store.retention(key, version=put.version) == lock
        with pytest.raises(Locked):
            store.delete(key, version=put.version)
        assert store.get(key, version=put.version) == b"kept"
        time.sleep(max(0, (until - datetime.now(UTC)).total_seconds()) + backend.late)
        store.delete(key, version=put.version)
        assert list(store.list(key, versions=True)) == []

    def test_a_lock_is_never_shortened(self, store: Store, key: str) -> None:
        until = soon().replace(microsecond=0)
        store.put(key, b"kept", retain_until=until)
        for sooner in (until - timedelta(seconds=1), soon(1)):
            with pytest.raises(Locked):
                store.retain(key, sooner)
        assert store.retain(key, until).until == until
        later = until + timedelta(days=1)
        assert store.retain(key, later).until == later
        assert store.retention(key) == store.retain(key, later)
        store.put(key + "2", b"unlocked")
        assert store.retention(key + "2") is None
        store.retain(key + "2", until)
        with pytest.raises(Locked):
            store.delete(key + "2", version=store.head(key + "2").version)

    def test_a_locked_version_survives_whatever_lies_above(self, store: Store, backend: Backend, key: str) -> None:
        put = store.put(key, b"kept", retain_until=soon())
        if not backend.hides_locked:
            with pytest.raises(Locked):
                store.delete(key)
            return
        above = store.put(key, b"above", if_absent=False)
        assert store.retention(key) is None
        assert store.delete(key) is not None
        with pytest.raises(Locked):
            store.delete(key, version=put.version)
        with pytest.raises(Locked):
            purge(store, key)
        assert store.get(key, version=put.version) == b"kept"
        store.delete(key, version=above.version)

    def test_a_repeated_locked_put_tells_the_lock(self, store: Store, key: str) -> None:
        until = soon().replace(microsecond=0)
        store.put(key, b"kept", retain_until=until)
        with pytest.raises(AlreadyThere) as there:
            store.put(key, b"kept", retain_until=until + timedelta(days=1))
        assert there.value.retention is not None
        assert there.value.retention.until == until

    @pytest.mark.parametrize(
        "until",
        [
            soon(-1),
            soon(-86400 * 900),
            soon(86400 * 367),
            datetime.max.replace(tzinfo=UTC),
            soon().replace(tzinfo=None),
        ],
    )
    def test_refuses_unfit_locks_before_anything(self, store: Store, key: str, until: datetime) -> None:
        with pytest.raises(RetentionRefused):
            store.put(key, b"x", retain_until=until)
        assert list(store.list(key, versions=True)) == []

    def test_a_part_of_a_second_is_rounded_up(self, store: Store, key: str) -> None:
        until = soon().replace(microsecond=300_000)
        store.put(key, b"x", retain_until=until)
        lock = store.retention(key)
        assert lock is not None
        assert lock.until == until.replace(microsecond=0) + timedelta(seconds=1)

    def test_resists_an_attack_on_what_is_locked(self, store: Store, key: str) -> None:
        until = soon().replace(microsecond=0)
        put = store.put(key, b"canary", retain_until=until)
        assert put.version is not None
        assert store.resistance(key, version=put.version) == Resistance(deletion=True, shortening=True)
        lock = store.retention(key, version=put.version)
        assert lock is not None
        assert lock.until == until
        open_ = store.put(key + "2", b"unlocked")
        assert open_.version is not None
        assert store.resistance(key + "2", version=open_.version) == Resistance(deletion=False, shortening=False)
        assert list(store.list(key + "2", versions=True)) == []
        with pytest.raises(NoSuchObject):
            store.resistance(key + "3", version=put.version)

    # unfinished uploads

    def test_unfinished_uploads_are_found_and_thrown_away(self, store: Store, backend: Backend, key: str) -> None:
        backend.begin(f"{key}/one")
        backend.begin(f"{key}/two")
        backend.begin(f"{key}-neighbour")
        assert list(store.list(key, versions=True)) == []
        found = list(store.incomplete(f"{key}/"))
        assert [each.key for each in found] in ([], [f"{key}/one", f"{key}/two"])  # a folder has swept them already
        for each in found * 2:
            assert abs(each.begun - datetime.now(UTC)) < timedelta(seconds=30)
            store.abort(each)
        assert list(store.incomplete(f"{key}/")) == []
        for each in store.incomplete(key):
            store.abort(each)

    # listing

    def test_lists_in_order_and_by_prefix(self, store: Store, key: str) -> None:
        names = ["a", "a-b", "a.b", "ab/c", "ab/c-d", "ab/d/e", "b c", "é", "日本", "\uffee", "😀"]
        for name in random.Random(3).sample(names, len(names)):
            store.put(f"{key}/{name}", name.encode())
        ordered = sorted(names, key=str.encode)
        listed = list(store.list(key))
        assert [s.key for s in listed] == [f"{key}/{n}" for n in ordered]
        assert [s.size for s in listed] == [len(n.encode()) for n in ordered]
        assert [s.key for s in store.list(key, versions=True)] == [s.key for s in listed]
        for prefix in ("/", "/a", "/ab", "/ab/", "/ab/c", "/ab/d", "/é", "/zz", "/ab/c-d/", "/b "):
            expected = [f"{key}/{n}" for n in ordered if f"/{n}".startswith(prefix)]
            assert [s.key for s in store.list(key + prefix)] == expected
        assert list(store.list("../")) == list(store.list("/")) == []

    def test_lists_more_than_a_page(self, store: Store, backend: Backend, key: str) -> None:
        keys = [f"{key}/{number:04}" for number in range(505)]
        backend.fill(keys)
        backend.fill(keys)
        versions = list(store.list(f"{key}/", versions=True))
        assert len({s.version for s in versions}) == len(versions) == 1010
        assert [k for k, _ in groupby(s.key for s in versions)] == keys
        assert [s.current for s in versions] == [True, False] * 505
        assert [s.key for s in store.list(f"{key}/")] == keys

    # the place itself

    def test_a_lost_place_is_not_an_empty_one(self, backend: Backend, key: str) -> None:
        backend.open().put(key, b"x")
        store = backend.lost()
        for act in (store.head, store.get, store.open, store.delete, store.retention):
            with pytest.raises(NoSuchStore):
                act(key)
        with pytest.raises(NoSuchStore):
            list(store.list())
        with pytest.raises(NoSuchStore):
            store.put(key, b"x")

    def test_probing_leaves_nothing_in_sight(self, store: Store, key: str) -> None:
        before = list(store.list(versions=True))
        found = store.probe()
        assert found == store.probe() or found.clock_offset is not None
        assert list(store.list(versions=True)) == before
        assert found.versioning
        assert found.place_declared
