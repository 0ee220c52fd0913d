"""The servers that the stores are tried on: MiniStack always, a Ceph gateway where one is given."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from genuka_pipelines.stores.s3 import connection as s3_connection
from genuka_pipelines.stores.s3.store import S3Store
from tests.stores.backends import BucketBackend
from tests.stores.servers import ministack


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system in memory, if there is one: thousands of syncs need no real disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def ministack_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MiniStack started for this session."""
    with ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def gateway_endpoint() -> str:
    """A Ceph RADOS gateway, if `GENUKA_TEST_RGW` names its endpoint."""
    endpoint = os.environ.get("GENUKA_TEST_RGW")
    if not endpoint:
        pytest.skip("GENUKA_TEST_RGW names no Ceph gateway: locks were NOT tried on a real S3 server")
    return endpoint


@pytest.fixture(autouse=True, scope="package")
def s3_credentials() -> Iterator[None]:
    """The key that the test servers know; never a developer's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "SKTEST")
        yield


@pytest.fixture(scope="module")
def bucket(ministack_endpoint: str) -> BucketBackend:
    """A bucket with versions and locks, for the tests of one file."""
    return BucketBackend(ministack_endpoint)


@pytest.fixture
def store(bucket: BucketBackend) -> S3Store:
    """A store in that bucket."""
    return bucket.open()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts."""
    monkeypatch.setitem(s3_connection._CONFIG, "retries", {"mode": "standard", "total_max_attempts": 1})
