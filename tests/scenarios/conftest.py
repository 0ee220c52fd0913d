"""The houses of all stories, each begun once; those that the chosen tests need are begun side by side."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.scenarios.houses import BEGINNINGS, House, Told, new_house

Begun = dict[str, "Future[Told]"]


@pytest.fixture(scope="session")
def empty_house() -> Iterator[House]:
    """A house where nothing is started."""
    with new_house() as house:
        yield house


@pytest.fixture(scope="session")
def begun(request: pytest.FixtureRequest) -> Iterator[Begun]:
    """What the chosen tests' houses wait for: each story keeps one processor busy for most of a minute."""
    chosen = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    with ExitStack() as opened, ThreadPoolExecutor() as pool:
        yield {name: pool.submit(story, opened) for name, story in BEGINNINGS.items() if name in chosen}


@pytest.fixture(scope="session")
def demo(begun: Begun) -> Told:
    return begun["demo"].result()


@pytest.fixture(scope="session")
def demo_on_mariadb(begun: Begun) -> Told:
    return begun["demo_on_mariadb"].result()


@pytest.fixture(scope="session")
def planted_house(begun: Begun) -> Told:
    return begun["planted_house"].result()
