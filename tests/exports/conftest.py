"""One house of exports for all modules, each of which empties it first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exports.world import ExportHouse, export_house


@pytest.fixture(scope="session")
def postgres() -> Iterator[ExportHouse]:
    with export_house("postgresql") as found:
        yield found
