"""The one suite on every backend: folder, MiniStack (checksums, conditional writes), Ceph (real locks)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROUNDS
from tests.stores.backends import BucketBackend, FolderBackend
from tests.stores.conformance import Conformance


class TestFolder(Conformance):
    @pytest.fixture
    def backend(self, in_memory: Path) -> FolderBackend:
        return FolderBackend(in_memory / "a store's folder, à côté")

    @pytest.fixture
    def kills(self) -> int:
        return ROUNDS

    @pytest.fixture
    def races(self) -> int:
        return ROUNDS


class TestMiniStack(Conformance):
    @pytest.fixture(scope="class")
    def bucket(self, ministack_endpoint: str) -> BucketBackend:
        """MiniStack keeps one lock per key, not per version, and compares ends of locks as texts."""
        return BucketBackend(ministack_endpoint, hides_locked=False, late=1)

    @pytest.fixture
    def backend(self, bucket: BucketBackend) -> BucketBackend:
        return bucket

    @pytest.fixture
    def kills(self) -> int:
        return max(5, ROUNDS // 10)

    @pytest.fixture
    def races(self) -> int:
        return max(2, ROUNDS // 10)

    def test_does_what_it_was_chosen_for(self, backend: BucketBackend) -> None:
        can = backend.capabilities
        assert (can.lock, can.conditional_put, can.checksums) == ("compliance", "atomic", "verified")


class TestCephGateway(TestMiniStack):
    @pytest.fixture(scope="class")
    def bucket(self, gateway_endpoint: str) -> BucketBackend:
        return BucketBackend(gateway_endpoint)

    def test_does_what_it_was_chosen_for(self, backend: BucketBackend) -> None:
        can = backend.capabilities
        assert (can.lock, can.conditional_put, can.checksums) == ("compliance", "none", "ignored")
