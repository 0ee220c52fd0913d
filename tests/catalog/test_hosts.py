"""Only loopback addresses are this machine: whatever else looks like one is somebody's."""

from __future__ import annotations

import pytest

from genuka_pipelines.catalog.host import is_this_machine


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine(host: str | None) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["127.example.org", "localhost.example.org", "10.0.0.1", "0.0.0.0", "db", "::2"])
def test_another(host: str) -> None:
    assert not is_this_machine(host)
