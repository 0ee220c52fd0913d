"""One house of exports for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exports.world import ExportHouse, export_house


@pytest.fixture(scope="module")
def postgres() -> Iterator[ExportHouse]:
    with export_house("postgresql") as found:
        yield found
