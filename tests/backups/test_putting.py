from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from genuka_pipelines.backups.calendar import Epoch, backup_id
from genuka_pipelines.backups.capturing.putting import Putting
from genuka_pipelines.backups.errors import BackupDamaged, ClocksApart, KeyShredded, StoreUnfit
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.fragment import Heading, fragment
from genuka_pipelines.backups.format.manifest import Manifest, Named
from genuka_pipelines.backups.format.night import Night
from genuka_pipelines.backups.format.pack import Packed, packs
from genuka_pipelines.backups.format.sealed import open_manifest, open_pack
from genuka_pipelines.backups.locked import check_clock, put_locked
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.vault.vault import Vault, WritingKey
from genuka_pipelines.control import Control, open_control
from genuka_pipelines.keys import Keyring, open_keyring
from genuka_pipelines.keys.envelope import TenantKey
from genuka_pipelines.stores.errors import LockNotApplied, StoreUnreachable
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.s3.store import S3Store
from genuka_pipelines.stores.store import Capabilities, Store, Stored
from tests.servers import fresh_control
from tests.stores.backends import BucketBackend
from tests.stores.servers import ministack

MOMENT = datetime.now(UTC)
EPOCH, BACKUP = Epoch.at(MOMENT), backup_id(MOMENT)
UNTIL = EPOCH.locked_until
OWNER = "0f" * 16


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("keys") / "keys", create=True)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketBackend]:
    with pytest.MonkeyPatch.context() as patch, ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "SKTEST")
        yield BucketBackend(endpoint)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "france", name="france", create=True)
    return cast(BucketBackend, request.getfixturevalue("bucket")).open()


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "france", name="france", create=True)


def writing(store: Store, owner: str = OWNER) -> WritingKey:
    tenant = TenantKey.new(owner)
    key = tenant.epoch(EPOCH.name)
    path = layout.epoch_key(EPOCH, owner) + f".{tenant.id}"
    return WritingKey(key, put_locked(store, path, key.wrapped_by(tenant), UNTIL), tenant.id)


def packed(rows: int = 3, ordinal: int = 0) -> Packed:
    lines = [b"%d\t%s\n" % (n, os.urandom(9).hex().encode()) for n in range(rows)]
    (one,) = packs([fragment([(Heading(0, "orders", "base"), rows, lines)])])
    return replace(one, ordinal=ordinal)


def manifest(owner: str = OWNER, **values: Any) -> Manifest:
    return Manifest(
        **{
            "backup": BACKUP, "owner": owner, "tenant": "t", "parent": None, "chain": (), "created": MOMENT,
            "places": (), "packs": (), "row_key": "a" * 64, "tenant_key": "b" * 16, **values,
        }
    )  # fmt: skip


class Through:
    """A store with something wrong about it."""

    def __init__(self, store: Store, **wrong: Any) -> None:
        self._store, self._wrong = store, wrong

    def __getattr__(self, name: str) -> Any:
        return self._wrong.get(name) or getattr(self._store, name)


def through(store: Store, **wrong: Any) -> Store:
    return cast(Store, Through(store, **wrong))


def test_a_backup_is_put_locked_and_opens_again(store: Store, keyring: Keyring) -> None:
    key, pieces = writing(store), [packed(40, n) for n in range(3)]
    with Putting(store, workers=2) as putting:
        found = [future.result() for future in [putting.pack(key, piece) for piece in pieces]]
        whole = manifest(packs=tuple(pack for pack, _ in found))
        named = putting.manifest(whole, [key.named, *(named for _, named in found)], key, keyring)
        night = Night(backup=BACKUP, created=MOMENT, finished=MOMENT, owners={}, tenants={}, row_key="a" * 64)
        last = putting.night(night, keyring)
        # The same once more changes nothing.
        before = list(store.list("v1/", versions=True))
        again = [putting.pack(key, piece).result() for piece in pieces]
        assert again == found
        assert putting.manifest(whole, [*(named for _, named in found), key.named], key, keyring) == named
        assert putting.night(night, keyring) == last
        assert list(store.list("v1/", versions=True)) == before
    assert open_manifest(key.key, store.get(named.key), named.key, keyring.verify) == whole
    for pack, piece in zip(whole.packs, pieces, strict=True):
        path = layout.pack(EPOCH, OWNER, pack.name)
        (rows,) = [b"".join(blocks) for _, blocks in open_pack(key.key, store.get(path), pack, path)]
        assert rows.count(b"\n") == piece.sections[0].rows
    for one in store.list("v1/e/"):
        lock = store.retention(one.key)
        assert lock is not None
        assert lock.until == UNTIL


def test_other_objects_than_its_own_are_refused(folder: FolderStore, keyring: Keyring) -> None:
    key = writing(folder)
    stranger = Named(key=layout.pack(EPOCH, "1e" * 16, "a" * 64), bytes=1, sha256="a" * 64)
    with Putting(folder) as putting:
        pack, named = putting.pack(key, packed()).result()
        for objects in ([key.named], [named], [key.named, named, stranger]):
            with pytest.raises(ValueError, match="own packs and key"):
                putting.manifest(manifest(packs=(pack,)), objects, key, keyring)
        with pytest.raises(ValueError, match="own packs and key"):
            putting.manifest(manifest(owner="1e" * 16), [key.named], key, keyring)
    assert not list(folder.list(layout.of_owner(EPOCH, OWNER) + "m/"))


def test_what_was_there_is_proved_the_same_and_locked(store: Store) -> None:
    named = put_locked(store, "v1/e/a", b"rows", UNTIL)
    assert put_locked(store, "v1/e/a", b"rows", UNTIL) == named
    with pytest.raises(BackupDamaged, match="holds other bytes"):
        put_locked(store, "v1/e/a", b"others", UNTIL)
    # A lock that is missing is mended, once; one with another end is not believed.
    store.put("v1/e/b", b"rows")
    put_locked(store, "v1/e/b", b"rows", UNTIL)
    lock = store.retention("v1/e/b")
    assert lock is not None
    assert lock.until == UNTIL
    for other in (timedelta(days=-1), timedelta(seconds=2)):
        key = f"v1/e/{other.days}"
        store.put(key, b"rows", retain_until=UNTIL + other)
        with pytest.raises(LockNotApplied, match=f"{key} in store .* is locked until"):
            put_locked(store, key, b"rows", UNTIL)


def test_what_somebody_covered_lies_below_and_counts(store: Store) -> None:
    named = put_locked(store, "v1/e/a", b"rows", UNTIL)
    store.put("v1/e/a", b"others", if_absent=False)
    assert put_locked(store, "v1/e/a", b"rows", UNTIL) == named
    with pytest.raises(BackupDamaged, match="holds other bytes"):
        put_locked(store, "v1/e/a", b"neither", UNTIL)


def test_a_lock_that_does_not_read_back_is_not_believed(folder: FolderStore) -> None:
    with pytest.raises(LockNotApplied, match="has no lock"):
        put_locked(through(folder, retention=lambda *_, **__: None), "v1/e/a", b"rows", UNTIL)


@pytest.mark.parametrize("offset", [301.0, -301.0])
def test_clocks_apart_stop_before_any_put(folder: FolderStore, offset: float) -> None:
    def skewed() -> Capabilities:
        return replace(folder.capabilities(), clock_offset=offset)

    def put(*_: Any, **__: Any) -> Stored:
        raise AssertionError("nothing may be put")

    with pytest.raises(ClocksApart, match="differ by 301 s"):
        Putting(through(folder, capabilities=skewed, put=put))
    for fine in (299.0, -299.0, None):
        check_clock(through(folder, capabilities=lambda at=fine: replace(folder.capabilities(), clock_offset=at)))


def test_nothing_is_put_that_does_not_open(folder: FolderStore) -> None:
    key, one = writing(folder), packed(40)
    broken = replace(one, data=one.data[:-1] + bytes([one.data[-1] ^ 1]))
    lied = replace(one, sections=(one.sections[0].model_copy(update={"rows": 41}),))
    with Putting(folder) as putting:
        for wrong in (broken, lied):
            with pytest.raises(BackupDamaged, match="just sealed"):
                putting.pack(key, wrong).result()
    assert not list(folder.list(layout.of_owner(EPOCH, OWNER) + "p/"))


def test_memory_is_bounded_by_what_is_under_way(folder: FolderStore) -> None:
    most, now, alone = 0, 0, threading.Lock()

    def put(key: str, data: bytes, **how: Any) -> Stored:
        nonlocal most, now
        with alone:
            now += len(data)
            most = max(most, now)
        time.sleep(0.005)
        try:
            return folder.put(key, data, **how)
        finally:
            with alone:
                now -= len(data)

    key, pieces = writing(folder), [packed(40, n) for n in range(12)]
    size = len(pieces[0].data)
    with Putting(through(folder, put=put), workers=8, in_flight=2 * size + size // 2) as putting:
        futures = []
        for piece in pieces:
            futures.append(putting.pack(key, piece))
            assert sum(not future.done() for future in futures) <= 3
    assert len({future.result()[0].name for future in futures}) == 12
    assert 0 < most < 3 * (size + 200)
    with Putting(folder, in_flight=1) as putting:
        assert putting.pack(key, pieces[0]).result()


def test_a_failure_is_told_and_the_manifest_does_not_follow(folder: FolderStore, keyring: Keyring) -> None:
    def put(*_: Any, **__: Any) -> Stored:
        raise StoreUnreachable("nobody answers")

    key = writing(folder)
    with Putting(through(folder, put=put)) as putting:
        for future in [putting.pack(key, packed(3, n)) for n in range(5)]:
            with pytest.raises(StoreUnreachable):
                future.result()
        with pytest.raises(StoreUnreachable):
            putting.manifest(manifest(), [key.named], key, keyring)
    assert [one.key for one in folder.list("v1/e/")] == [key.named.key]
    # The pool is free again for the next: nothing is counted as under way.
    with Putting(folder) as putting:
        assert putting.pack(key, packed()).result()


def test_a_time_out_after_the_commit_adds_nothing_when_repeated(store: Store, keyring: Keyring) -> None:
    def late(key: str, data: bytes, **how: Any) -> Stored:
        store.put(key, data, **how)
        raise StoreUnreachable("the answer broke off")

    key, one = writing(store, "2d" * 16), packed(9)
    with Putting(through(store, put=late)) as putting, pytest.raises(StoreUnreachable):
        putting.pack(key, one).result()
    before = list(store.list("v1/", versions=True))
    with Putting(store) as putting:
        pack, _ = putting.pack(key, one).result()
    assert list(store.list("v1/", versions=True)) == before
    assert store.head(layout.pack(EPOCH, "2d" * 16, pack.name))


def test_another_night_under_the_same_name_is_not_overwritten(folder: FolderStore, keyring: Keyring) -> None:
    night = Night(backup=BACKUP, created=MOMENT, finished=MOMENT, owners={}, tenants={}, row_key="a" * 64)
    with Putting(folder) as putting:
        putting.night(night, keyring)
        with pytest.raises(BackupDamaged, match="holds other bytes"):
            putting.night(night.model_copy(update={"row_key": "b" * 64}), keyring)
        key = writing(folder)
        putting.manifest(manifest(), [key.named], key, keyring)
        with pytest.raises(BackupDamaged, match="holds other bytes"):
            putting.manifest(manifest(tenant="another"), [key.named], key, keyring)


# buckets have markers, and rules of their own


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with fresh_control() as url, open_control(url.render_as_string(hide_password=False)) as opened:
        yield opened


def test_a_bucket_that_locks_every_object_is_unfit_for_keys(
    bucket: BucketBackend, keyring: Keyring, control: Control, tmp_path: Path
) -> None:
    strict = BucketBackend(bucket.endpoint)
    strict.client.put_object_lock_configuration(
        Bucket=strict.where.bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )  # fmt: skip
    vault = Vault(keyring, {"france": strict.open()}, control.ledger)
    for _ in range(2):
        with pytest.raises(StoreUnfit, match="remove the bucket's default retention"):
            vault.writing(owner_of("strict", keyring).id, EPOCH, strict.open())


def test_a_key_in_a_bucket_is_destroyed_with_versions_and_markers(
    bucket: BucketBackend, keyring: Keyring, control: Control, folder: FolderStore
) -> None:
    s3: S3Store = bucket.open()
    vault, owner = Vault(keyring, {"france": s3, "usa": folder}, control.ledger), owner_of("bucket", keyring).id
    first = vault.writing(owner, EPOCH, s3)
    s3.delete(layout.tenant_key(owner))
    assert vault.reading(owner, EPOCH)
    assert vault.writing(owner, Epoch.at(EPOCH.ends), s3).tenant_key == first.tenant_key
    assert s3.get(layout.tenant_key(owner)) == folder.get(layout.tenant_key(owner))
    s3.delete(layout.tenant_key(owner))
    receipt = vault.shred(owner, now=MOMENT)
    assert len({digest for _, digest in receipt.found}) == 1
    assert list(s3.list(layout.tenant_key(owner), versions=True)) == []
    with pytest.raises(KeyShredded):
        vault.reading(owner, EPOCH)
