from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.requests.desk import Desk
from tests.scenarios.sweeping_world import copied, shared_seeding


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk over a copy of the seeded demo, on PostgreSQL."""
    with copied(shared_seeding("postgresql")) as world:
        yield Desk(world)


@pytest.fixture(params=["postgresql", "mariadb"])
def each_desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The same on both databases."""
    with copied(shared_seeding(request.param)) as world:
        yield Desk(world)
