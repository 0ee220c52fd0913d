"""A planted seeding on each server, made once for all tests that only read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.seeding import SMALL, Place, filled, place


@pytest.fixture(scope="session")
def planted_postgres() -> Iterator[Place]:
    with place("postgresql", SMALL["companies"]) as made:
        yield filled(made, plant=True)


@pytest.fixture(scope="session")
def planted_mariadb() -> Iterator[Place]:
    with place("mariadb", SMALL["companies"]) as made:
        yield filled(made, plant=True)


@pytest.fixture(params=["postgresql", "mariadb"])
def planted(request: pytest.FixtureRequest) -> Place:
    kind = "postgres" if request.param == "postgresql" else "mariadb"
    made: Place = request.getfixturevalue(f"planted_{kind}")
    return made
