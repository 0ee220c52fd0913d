"""What is special to a bucket: providers that differ, networks that fail, secrets that stay secret."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, BinaryIO, cast

import pytest

from genuka_pipelines.stores import s3_connection
from genuka_pipelines.stores.errors import (
    AlreadyThere,
    CapabilityUnknown,
    ChecksumMismatch,
    ClockSkewed,
    CorruptObject,
    Locked,
    LockNotApplied,
    LockUnavailable,
    NoSuchBucket,
    NoSuchObject,
    NotAllowed,
    Occupied,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
    TooBig,
)
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.s3 import S3Store
from genuka_pipelines.stores.s3_connection import Connection
from genuka_pipelines.stores.s3_errors import named_errors
from tests.stores.backends import BucketBackend
from tests.stores.conformance import Pipe, sha256
from tests.stores.servers import Fault, FaultyNetwork, free_port

MIB = 1 << 20


def soon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture(scope="module")
def bucket(ministack_endpoint: str) -> BucketBackend:
    return BucketBackend(ministack_endpoint)


@pytest.fixture
def store(bucket: BucketBackend) -> S3Store:
    return bucket.open()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts."""
    monkeypatch.setitem(s3_connection._CONFIG, "retries", {"mode": "standard", "total_max_attempts": 1})


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
    until = soon()
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


class _WeakClient:
    """A server that says yes to what a lock must forbid, as one emulator does."""

    def __init__(self, client: Any, *lies: str) -> None:
        self._client, self._lies = client, lies

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name in self._lies:
            return lambda **_: {"ResponseMetadata": {"HTTPHeaders": {}}}
        if "drop locks" in self._lies and name == "put_object":
            return lambda **o: real(**{k: v for k, v in o.items() if not k.startswith("ObjectLock")})
        return real


@pytest.mark.parametrize("lie", ["put_object_retention", "delete_object"])
def test_a_lock_that_can_be_broken_is_not_called_one(bucket: BucketBackend, lie: str) -> None:
    store = S3Store(bucket.where)
    store.__dict__["_client"] = _WeakClient(bucket.client, lie)
    assert store.probe().lock == "none"


def test_a_lock_that_was_dropped_is_set_again_or_refused(bucket: BucketBackend) -> None:
    store = bucket.open()
    store.__dict__["_client"] = _WeakClient(bucket.client, "drop locks")
    store.put("dropped/once", b"1", retain_until=soon())
    assert store.retention("dropped/once") is not None
    store.__dict__["_client"] = _WeakClient(bucket.client, "drop locks", "put_object_retention")
    with pytest.raises(LockNotApplied) as dropped:
        store.put("dropped/for/good", b"1", retain_until=soon())
    assert dropped.value.exit_code == 1


def test_the_place_is_declared_unless_the_server_confirms_it(
    bucket: BucketBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "loopback", False)
    monkeypatch.setattr(
        _WeakClient,
        "get_bucket_location",
        lambda *_, **__: {"LocationConstraint": "gra", "ResponseMetadata": {"HTTPHeaders": {}}},
        raising=False,
    )
    for region, declared in (("gra", False), ("sbg", True), ("auto", True)):
        store = S3Store(replace(bucket.where, region=region))
        store.__dict__["_client"] = _WeakClient(bucket.client)
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
    store = S3Store(
        bucket.where, prefix="large/", capabilities=bucket.capabilities, single_put=MIB, part=5 * MIB
    )
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

    class Watched(_WeakClient):
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


# networks that fail


@contextmanager
def through(bucket: BucketBackend, *faults: Fault) -> Iterator[tuple[S3Store, FaultyNetwork]]:
    network = FaultyNetwork(bucket.endpoint, list(faults))
    with network.running() as endpoint:
        where = replace(bucket.where, endpoint=endpoint)
        yield S3Store(where, prefix=bucket.prefix, capabilities=bucket.capabilities), network


def flipped(piece: bytes, before: int) -> bytes:
    """One bit of the 50,000th byte."""
    place = 50_000 - before
    if 0 <= place < len(piece):
        return piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1 :]
    return piece


def test_a_bit_flipped_on_the_way_up_is_refused(bucket: BucketBackend, impatient: None) -> None:
    data = bytes(200_000)
    network = through(bucket, Fault(upwards=flipped), Fault(upwards=flipped))
    with network as (store, _), pytest.raises(ChecksumMismatch):
        store.put("flip/up", data)
    with pytest.raises(NoSuchObject):
        bucket.open().head("flip/up")


def test_a_bit_flipped_on_the_way_down_is_noticed(bucket: BucketBackend) -> None:
    bucket.open().put("flip/down", bytes(200_000))
    with through(bucket, Fault(downwards=flipped)) as (store, _), pytest.raises(CorruptObject):
        store.get("flip/down")


def test_an_answer_lost_after_the_commit_is_not_a_second_version(bucket: BucketBackend) -> None:
    """The client tries again; what it finds there is its own, and it says so."""
    lost = Fault(downwards=lambda piece, _: None if b" 200 " in piece else piece)
    with through(bucket, lost) as (store, network):
        with pytest.raises(AlreadyThere) as there:
            store.put("lost/answer", bytes(100_000), retain_until=soon())
        assert network.connections > 1
    assert there.value.existing.sha256 == sha256(bytes(100_000))
    assert there.value.retention is not None
    assert len(list(bucket.open().list("lost/", versions=True))) == 1


def cut(after: int) -> Fault:
    return Fault(downwards=lambda piece, before: piece if before < after else None)


def test_a_broken_download_is_picked_up(bucket: BucketBackend) -> None:
    data = bytes(range(251)) * 40_000
    bucket.open().put("broken/download", data)
    with through(bucket, cut(3 * MIB), cut(4 * MIB), cut(7 * MIB)) as (store, network):
        out = io.BytesIO()
        store.read_into("broken/download", out)
        assert out.getvalue() == data
        assert network.connections >= 3


def test_a_server_may_honour_ranges_or_not(bucket: BucketBackend) -> None:
    """MiniStack ignores them once a version is named; a resumed download must fit either way."""
    data = bytes(range(251)) * 40_000
    bucket.open().put("ranges", data)

    class Unversioned(_WeakClient):
        def get_object(self, **options: Any) -> Any:
            return self._client.get_object(**{k: v for k, v in options.items() if k != "VersionId"})

    for client in (Unversioned, _WeakClient):
        with through(bucket, cut(3 * MIB), cut(MIB)) as (store, _):
            store.__dict__["_client"] = client(store._connection.client())
            assert store.get("ranges") == data


def test_a_download_that_always_breaks_is_an_error_not_an_end(bucket: BucketBackend, impatient: None) -> None:
    bucket.open().put("broken/for/good", bytes(5 * MIB))
    with through(bucket, *[cut(100_000)] * 20) as (store, _), pytest.raises(StoreUnreachable):
        store.get("broken/for/good")


def test_a_cut_upload_leaves_nothing(bucket: BucketBackend, impatient: None) -> None:
    fault = Fault(upwards=lambda piece, before: piece if before < MIB else None)
    with through(bucket, *[fault] * 5) as (store, _), pytest.raises(StoreUnreachable):
        store.put("cut/upload", bytes(3 * MIB))
    assert list(bucket.open().list("cut/", versions=True)) == []


def test_nobody_there(impatient: None) -> None:
    store = S3Store(Connection("nobody", "gra", f"http://127.0.0.1:{free_port()}", Shown("france")))
    for act in (store.probe, lambda: store.get("a"), lambda: list(store.list()), lambda: store.head("a")):
        with pytest.raises(StoreUnreachable, match="france"):
            act()


# answers


class Answers(HTTPServer):
    """Says the same to every request."""

    status, body = 200, b""


class _Handler(BaseHTTPRequestHandler):
    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        answers = cast(Answers, self.server)
        self.send_response(answers.status)
        self.send_header("Content-Length", str(len(answers.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answers.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    with Answers(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def talking(answers: Answers, impatient: None) -> S3Store:
    where = Connection("answers", "gra", f"http://127.0.0.1:{answers.server_port}", Shown("france"))
    return S3Store(where)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "AccessDenied", NotAllowed),
        (403, "SignatureDoesNotMatch", NotAllowed),
        (403, "RequestTimeTooSkewed", ClockSkewed),
        (404, "NoSuchBucket", NoSuchBucket),
        (404, "NoSuchKey", NoSuchObject),
        (503, "SlowDown", StoreUnreachable),
        (500, "InternalError", StoreUnreachable),
        (507, "QuotaExceeded", StoreFull),
        (400, "SomethingNew", StoreRefused),
        (418, "<script>AKTEST SKTEST", StoreRefused),
    ],
)
def test_answers_have_names_and_leak_nothing(
    answers: Answers, talking: S3Store, status: int, code: str, expected: type[StoreError]
) -> None:
    code = code.replace("<", "&lt;")
    answers.status = status
    answers.body = f"<Error><Code>{code}</Code><Message>SKTEST awa@example.test</Message></Error>".encode()
    with pytest.raises(expected) as named:
        talking.get("some/key")
    message = str(named.value)
    assert not any(secret in message for secret in ("SKTEST", "awa@", "<", "127.0.0.1"))
    assert named.value.__suppress_context__


def test_a_page_that_is_not_s3(answers: Answers, talking: S3Store) -> None:
    answers.status, answers.body = 200, b"<html><body>Welcome"
    for act in (talking.probe, lambda: list(talking.list()), lambda: talking.get("a")):
        with pytest.raises(StoreError, match="france"):
            act()


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
