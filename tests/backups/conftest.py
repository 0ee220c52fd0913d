"""What tests of backups begin with: a folder in memory, two regions in it, and a control database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.control import Control, open_control
from tests.backups.made import folder, region, scratch
from tests.servers import fresh_database


@pytest.fixture
def path() -> Iterator[Path]:
    with scratch() as made:
        yield made


@pytest.fixture
def france(path: Path) -> Region:
    return region("france", folder(path / "france", "france"))


@pytest.fixture
def usa(path: Path) -> Region:
    return region("usa", folder(path / "usa", "usa"))


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with fresh_database("postgresql") as url, open_control(str(url), upgrade=True) as opened:
        yield opened
