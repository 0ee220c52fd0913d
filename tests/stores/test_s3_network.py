"""A bucket behind a network that fails, and servers that answer strangely."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import pytest

from genuka_pipelines.stores.errors import (
    AlreadyThere,
    ChecksumMismatch,
    ClockSkewed,
    CorruptObject,
    NoSuchBucket,
    NoSuchObject,
    NotAllowed,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
)
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.s3.connection import Connection
from genuka_pipelines.stores.s3.store import S3Store
from tests.stores.backends import BucketBackend
from tests.stores.helpers import MIB, WeakClient, sha256, soon
from tests.stores.servers import Fault, FaultyNetwork, free_port


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

    class Unversioned(WeakClient):
        def get_object(self, **options: Any) -> Any:
            return self._client.get_object(**{k: v for k, v in options.items() if k != "VersionId"})

    for client in (Unversioned, WeakClient):
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
