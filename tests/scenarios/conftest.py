"""The houses of all stories. A demo takes most of a minute, so only one file of tests asks for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios import houses
from tests.scenarios.houses import House, Told, new_house


@pytest.fixture(scope="session")
def empty_house() -> Iterator[House]:
    """A house where nothing is started."""
    with new_house() as house:
        yield house


@pytest.fixture(scope="session")
def demo() -> Iterator[Told]:
    with houses.demo() as told:
        yield told


@pytest.fixture(scope="session")
def demo_on_mariadb() -> Iterator[Told]:
    with houses.demo_on_mariadb() as told:
        yield told


@pytest.fixture(scope="session")
def planted_house() -> Iterator[Told]:
    with houses.seeded_house("--plant") as told:
        yield told


@pytest.fixture(scope="session")
def seeded_house() -> Iterator[House]:
    """A house with a healthy Genuka, where nothing was asked yet."""
    with houses.seeded_house() as told:
        assert told.said.code == 0, told.said.err
        yield told.house
