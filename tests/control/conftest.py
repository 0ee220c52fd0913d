from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from genuka_pipelines.control import Control, open_control
from tests.control import servers
from tests.control.servers import Server


@pytest.fixture(scope="session")
def postgresql() -> Server:
    return servers.server("postgresql")


@pytest.fixture(scope="session")
def mariadb() -> Server:
    return servers.server("mariadb")


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the two servers in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


@pytest.fixture
def url(server: Server) -> str:
    """A control database that holds nothing yet."""
    return server.emptied()


@pytest.fixture
def own_url(server: Server) -> str:
    """A control database that this test may break."""
    return server.own()


@pytest.fixture
def control(url: str) -> Iterator[Control]:
    with open_control(url) as opened:
        yield opened


@pytest.fixture
def now() -> datetime:
    """The wall time: the ledger compares it with the database's own."""
    return datetime.now(UTC)
