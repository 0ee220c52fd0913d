"""One house of exports of each kind for all modules, each of which empties it first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.exports.world import ExportHouse, export_house
from tests.servers import Kind


@pytest.fixture(scope="session")
def house_on() -> Iterator[Callable[[Kind], ExportHouse]]:
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(export_house(kind)))


@pytest.fixture(scope="session")
def postgres(house_on: Callable[[Kind], ExportHouse]) -> ExportHouse:
    return house_on("postgresql")
