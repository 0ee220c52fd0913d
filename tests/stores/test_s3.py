"""What is special to a bucket: providers that differ, networks that fail, secrets that stay secret."""

from __future__ import annotations

import base64
import io
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, cast
from unittest.mock import ANY

import pytest

from genuka_pipelines.stores.errors import (
    AlreadyThere,
    CapabilityUnknown,
    ChecksumMismatch,
    Locked,
    LockNotApplied,
    LockUnavailable,
    NoSuchBucket,
    NoSuchObject,
    Occupied,
    StoreError,
    StoreFull,
    TooBig,
)
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.s3.connection import Connection
from genuka_pipelines.stores.s3.errors import named_errors
from genuka_pipelines.stores.s3.store import S3Store
from genuka_pipelines.stores.store import Capabilities
from tests.stores.backends import BucketBackend
from tests.stores.helpers import MIB, Pipe, WeakClient, at_once, sha256, soon


def plain_bucket(endpoint: str, *, versions: bool = False) -> Connection:
    """A bucket as most are: without object lock."""
    where = Connection(f"p{uuid.uuid4().hex}", "us-east-1", endpoint, Shown("plain"))
    client = where.client()
    client.create_bucket(Bucket=where.bucket)
    if versions:
        client.put_bucket_versioning(Bucket=where.bucket, VersioningConfiguration={"Status": "Enabled"})
    return where


# what a bucket can do


def test_nothing_is_written_before_it_is_known_what_the_bucket_can_do(bucket: BucketBackend) -> None:
    store = S3Store(bucket.where)
    for write in (store.capabilities, lambda: store.put("a", b""), lambda: store.delete("a")):
        with pytest.raises(CapabilityUnknown, match="probe"):
            write()
    with pytest.raises(NoSuchObject):
        store.head("a")


def test_a_bucket_without_versions_and_locks(ministack_endpoint: str) -> None:
    store = S3Store(plain_bucket(ministack_endpoint))
    can = store.probe()
    assert (can.lock, can.versioning, can.conditional_put) == ("none", False, "atomic")
    with pytest.raises(LockUnavailable):
        store.put("a", b"1", retain_until=soon())
    assert store.put("a", b"1").version is None
    with pytest.raises(AlreadyThere):
        store.put("a", b"1")
    with pytest.raises(Occupied):
        store.put("a", b"2")
    assert store.retention("a") is None
    with pytest.raises(LockUnavailable):
        store.retain("a", soon())
    store.put("a", b"2", if_absent=False)
    assert [(s.key, s.size, s.marker) for s in store.list(versions=True)] == [("a", 1, False)]
    assert store.delete("a") is None
    with pytest.raises(NoSuchObject):
        store.get("a")
    assert list(store.list()) == []


def test_versions_without_locks(ministack_endpoint: str) -> None:
    can = S3Store(plain_bucket(ministack_endpoint, versions=True)).probe()
    assert (can.lock, can.versioning) == ("none", True)


def test_an_administrators_lock_is_respected_by_us(ministack_endpoint: str) -> None:
    store = S3Store(plain_bucket(ministack_endpoint), administrative_lock=True, single_put=MIB, part=5 * MIB)
    assert store.probe().lock == "administrative"
    until = soon().replace(microsecond=0)
    for data in (b"1", bytes(6 * MIB)):
        key = f"a/{len(data)}"
        store.put(key, data, retain_until=until)
        lock = store.retention(key)
        assert lock is not None
        assert (lock.mode, lock.until) == ("administrative", until)
        with pytest.raises(Locked):
            store.delete(key)
        with pytest.raises(Locked):
            store.put(key, b"2", if_absent=False)
        with pytest.raises(LockUnavailable):
            store.retain(key, until + timedelta(days=1))
    store.put("b", b"unlocked")
    store.delete("b")


@pytest.mark.parametrize("lie", ["put_object_retention", "delete_object"])
def test_a_lock_that_can_be_broken_is_not_called_one(bucket: BucketBackend, lie: str) -> None:
    store = S3Store(bucket.where)
    store.__dict__["_client"] = WeakClient(bucket.client, lie)
    assert store.probe().lock == "none"


def test_a_lock_that_was_dropped_is_set_again_or_refused(bucket: BucketBackend) -> None:
    store = bucket.open()
    store.__dict__["_client"] = WeakClient(bucket.client, "drop locks")
    store.put("dropped/once", b"1", retain_until=soon())
    assert store.retention("dropped/once") is not None
    store.__dict__["_client"] = WeakClient(bucket.client, "drop locks", "put_object_retention")
    with pytest.raises(LockNotApplied) as dropped:
        store.put("dropped/for/good", b"1", retain_until=soon())
    assert dropped.value.exit_code == 1


def test_trying_out_where_everything_is_locked_by_default_locks_for_a_minute_only(
    ministack_endpoint: str,
) -> None:
    bucket = BucketBackend(ministack_endpoint)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 360}}
    bucket.client.put_object_lock_configuration(
        Bucket=bucket.where.bucket,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": cast(Any, rule)},
    )
    assert S3Store(bucket.where).probe() == replace(bucket.capabilities, clock_offset=ANY)
    left = bucket.client.list_object_versions(Bucket=bucket.where.bucket)["Versions"]
    assert len(left) >= 5
    for item in left:
        lock = bucket.client.get_object_retention(
            Bucket=bucket.where.bucket, Key=item["Key"], VersionId=item["VersionId"]
        )
        assert lock["Retention"]["RetainUntilDate"] < datetime.now(UTC) + timedelta(minutes=2)


def test_trying_out_spares_others_at_work_and_clears_what_is_left_over(bucket: BucketBackend) -> None:
    place: dict[str, Any] = {"Bucket": bucket.where.bucket, "Key": "left/.store/probe/abc/once"}
    bucket.client.put_object(**place, Body=b"")
    S3Store(bucket.where, prefix="left/").probe()
    assert bucket.client.head_object(**place)
    S3Store(bucket.where, prefix="left/", clock=lambda: datetime.now(UTC) + timedelta(minutes=11)).probe()
    with pytest.raises(bucket.client.exceptions.ClientError):
        bucket.client.head_object(**place)


def test_two_may_try_out_at_once(bucket: BucketBackend) -> None:
    found = at_once(3, lambda _: S3Store(bucket.where, prefix="both/").probe())
    assert found == [replace(bucket.capabilities, clock_offset=ANY)] * 3


def test_a_condition_that_racers_slip_through_is_called_racy(bucket: BucketBackend) -> None:
    class Racy(WeakClient):
        """Looks, waits, and then writes whatever it saw: as good as atomic to one writer."""

        def put_object(self, **options: Any) -> Any:
            if options.pop("IfNoneMatch", None):
                place = {name: options[name] for name in ("Bucket", "Key")}
                found = self._client.list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"])
                if found["KeyCount"]:
                    return self._client.put_object(**place, Body=b"", IfNoneMatch="*")
                time.sleep(0.2)
            return self._client.put_object(**options)

    store = S3Store(bucket.where, prefix="racy/")
    store.__dict__["_client"] = Racy(bucket.client)
    assert store.probe().conditional_put == "racy"
    store.put("a", b"1")
    with pytest.raises(Occupied):
        store.put("a", b"2")
    for never in ("none", "racy"):
        store = S3Store(bucket.where, prefix="racy/", capabilities=replace(bucket.capabilities, conditional_put=never))
        with pytest.raises(Occupied):
            store.put("a", b"2")


def test_what_is_sent_says_everything_and_nothing_that_providers_refuse() -> None:
    """No trailer and no CRC (OVHcloud and R2 refused both); hash, condition and lock in signed headers."""
    sent: list[Any] = []

    class Stop(Exception):
        pass

    def stop(request: Any, **_: object) -> None:
        sent.append(request)
        raise Stop

    can = Capabilities("compliance", True, "atomic", "verified", "gra", False)
    store = S3Store(
        Connection("the-bucket", "gra", "https://s3.example.test", Shown("france")),
        prefix="p/",
        capabilities=can,
    )
    store._client.meta.events.register("before-send.s3.PutObject", stop)
    until = soon().replace(microsecond=0)
    with pytest.raises(Stop):
        store.put("a/é", b"abc", retain_until=until)
    request = sent[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in headers.items()}
    assert request.url == "https://s3.example.test/the-bucket/p/a/%C3%A9"
    assert headers["x-amz-content-sha256"] == sha256(b"abc") == headers["x-amz-meta-sha256"]
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(bytes.fromhex(sha256(b"abc"))).decode()
    assert headers["if-none-match"] == "*"
    assert headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    assert datetime.fromisoformat(headers["x-amz-object-lock-retain-until-date"]) == until
    assert "/gra/s3/aws4_request" in headers["authorization"]
    assert not {"x-amz-trailer", "content-encoding", "content-md5"} & set(headers)
    assert not any("crc" in name for name in headers)


def test_the_place_is_declared_unless_the_server_confirms_it(
    bucket: BucketBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "loopback", False)
    monkeypatch.setattr(
        WeakClient,
        "get_bucket_location",
        lambda *_, **__: {"LocationConstraint": "gra", "ResponseMetadata": {"HTTPHeaders": {}}},
        raising=False,
    )
    for region, declared in (("gra", False), ("sbg", True), ("auto", True)):
        store = S3Store(replace(bucket.where, region=region))
        store.__dict__["_client"] = WeakClient(bucket.client)
        can = store.probe()
        assert (can.place, can.place_declared) == ("gra", declared)


# other people's objects, large objects


def test_objects_that_others_put_can_be_read_and_removed(bucket: BucketBackend, store: S3Store) -> None:
    for key in ("theirs//odd", "theirs/plain"):
        bucket.client.put_object(Bucket=bucket.where.bucket, Key=bucket.prefix + key, Body=b"theirs")
        assert store.head(key).sha256 is None
        assert store.get(key) == b"theirs"
    assert [s.key for s in store.list("theirs/")] == ["theirs//odd", "theirs/plain"]
    with pytest.raises(AlreadyThere):
        store.put("theirs/plain", b"theirs")
    with pytest.raises(Occupied):
        store.put("theirs/plain", b"theirz")
    store.delete("theirs//odd")
    assert [s.key for s in store.list("theirs/")] == ["theirs/plain"]


def test_the_stores_of_one_bucket_do_not_see_each_other(bucket: BucketBackend) -> None:
    mine, other = (S3Store(bucket.where, prefix=p, capabilities=bucket.capabilities) for p in ("m/", "mm/"))
    mine.put("a", b"1")
    other.put("a", b"2")
    assert [(s.key, s.size) for s in mine.list()] == [("a", 1)]
    assert mine.get("a") == b"1"


def test_large_objects_go_up_in_parts(bucket: BucketBackend) -> None:
    store = S3Store(bucket.where, prefix="large/", capabilities=bucket.capabilities, single_put=MIB, part=5 * MIB)
    headers: set[str] = set()

    def record(request: Any, **_: object) -> None:
        headers.update(name.lower() for name in request.headers)

    store._client.meta.events.register("before-send.s3", record)
    data = bytes(range(256)) * (11 * MIB // 256)
    put = store.put("a", cast(BinaryIO, Pipe(data)), sha256=sha256(data))
    assert put.sha256 == sha256(data)
    assert store.get("a") == data
    assert bucket.client.head_object(Bucket=bucket.where.bucket, Key="large/a")["ETag"].endswith('-3"')
    with pytest.raises(AlreadyThere):
        store.put("a", io.BytesIO(data))
    with pytest.raises(Occupied):
        store.put("a", data[:-1] + b"!")
    assert len(list(store.list(versions=True))) == 1
    assert store.put("locked", data, retain_until=soon()).size == len(data)  # a lock needs one request
    assert "-" not in bucket.client.head_object(Bucket=bucket.where.bucket, Key="large/locked")["ETag"]
    uploads = bucket.client.list_multipart_uploads(Bucket=bucket.where.bucket)
    assert not uploads.get("Uploads")
    assert "content-md5" in headers
    assert not [name for name in headers if "crc" in name or "trailer" in name]


def test_a_full_temporary_folder_is_said(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda **_: Full())
    with pytest.raises(StoreFull, match="TMPDIR"):
        store.put("spooled", cast(BinaryIO, Pipe(b"x")))


def test_an_administrators_lock_in_a_bucket_with_versions(ministack_endpoint: str) -> None:
    store = S3Store(plain_bucket(ministack_endpoint, versions=True), administrative_lock=True)
    store.probe()
    put = store.put("a", b"1", retain_until=soon())
    marker = store.delete("a")
    assert marker is not None
    with pytest.raises(Locked):
        store.delete("a", version=put.version)
    store.delete("a", version=marker)
    assert store.get("a") == b"1"
    above = store.put("a", b"2", if_absent=False)
    store.delete("a", version=above.version)
    assert store.get("a") == b"1"


def test_what_is_too_large_for_a_lock_is_refused_before_it_is_sent(bucket: BucketBackend) -> None:
    can = replace(bucket.capabilities, largest_locked=1000)
    store = S3Store(bucket.where, prefix="limit/", capabilities=can)
    with pytest.raises(TooBig, match="1000 bytes"):
        store.put("a", bytes(1001), retain_until=soon())
    store.put("a", bytes(1000), retain_until=soon())


def test_a_file_that_changes_while_it_is_sent_leaves_nothing(bucket: BucketBackend) -> None:
    class Changing(io.BytesIO):
        def seek(self, *where: int) -> int:
            if self.tell() == len(self.getvalue()):
                super().seek(100)
                self.write(b"!")
            return super().seek(*where)

    ignoring = replace(bucket.capabilities, checksums="ignored")
    for limit, can in ((64 * MIB, bucket.capabilities), (64 * MIB, ignoring), (1000, ignoring)):
        store = S3Store(bucket.where, prefix="chg/", capabilities=can, single_put=limit)
        with pytest.raises(ChecksumMismatch):
            store.put("a", Changing(bytes(20_000)))
        assert list(store.list(versions=True)) == []
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.where.bucket).get("Uploads")


def test_a_server_that_ignores_sha256_is_sent_an_md5(bucket: BucketBackend) -> None:
    """Ceph 16 accepts a wrong SHA-256 header; the same bytes must still be checked on the way."""
    sent: list[dict[str, Any]] = []

    class Watched(WeakClient):
        def put_object(self, **options: Any) -> Any:
            sent.append(options)
            return self._client.put_object(**options)

    for checksums in ("verified", "ignored", "unsupported"):
        can = replace(bucket.capabilities, checksums=cast(Any, checksums))
        store = S3Store(bucket.where, prefix=f"{checksums}/", capabilities=can)
        store.__dict__["_client"] = Watched(bucket.client)
        store.put("a", b"abc")
    assert ["ContentMD5" in options for options in sent] == [False, True, True]
    assert ["ChecksumSHA256" in options for options in sent] == [True, True, False]


# errors


def test_a_missing_bucket_is_not_a_missing_object(ministack_endpoint: str) -> None:
    store = S3Store(Connection("nosuchbucket", "us-east-1", ministack_endpoint, Shown("france")))
    for act in (store.probe, lambda: store.head("a"), lambda: store.get("a"), lambda: list(store.list())):
        with pytest.raises(NoSuchBucket):
            act()


def test_private_keys_do_not_reach_messages(ministack_endpoint: str) -> None:
    url = f"s3://m{uuid.uuid4().hex}/media"
    options: dict[str, Any] = {"endpoint": ministack_endpoint, "region": "us-east-1", "private_keys": True}
    store = open_store(url, name="media", create=True, **options)
    store = open_store(url, name="media", create=True, **options)  # what is there stays
    store.probe()
    store.put("cv/awa-mballa.pdf", b"1", retain_until=soon())
    version = store.head("cv/awa-mballa.pdf").version
    acts = (
        lambda: store.put("cv/awa-mballa.pdf", b"2"),
        lambda: store.put("cv/awa-mballa.pdf", b"1"),
        lambda: store.put("cv/awa-mballa.pdf", b"2", sha256="0" * 64),
        lambda: store.delete("cv/awa-mballa.pdf", version=version),
        lambda: store.get("cv/awa-mballa2.pdf"),
    )
    for act in acts:
        with pytest.raises(StoreError) as refused:
            act()
        assert "mballa" not in str(refused.value)


def test_a_bucket_is_made_once_by_racing_makers(ministack_endpoint: str) -> None:
    where = Connection(f"r{uuid.uuid4().hex}", "us-east-1", ministack_endpoint, Shown("france"))
    makers = [threading.Thread(target=S3Store(where).create) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert S3Store(where).probe().lock == "compliance"


def test_errors_of_our_own_pass_through_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), named_errors(Shown("france")):
        raise ZeroDivisionError
