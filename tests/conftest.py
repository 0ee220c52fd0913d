"""What every test shares: the number of rounds, the seed, and a short scratch folder for servers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROUNDS = int(os.environ.get("GENUKA_ROUNDS", "25"))
SEED = int(os.environ.get("GENUKA_SEED", "20261122"))

settings.register_profile(
    "house",
    max_examples=ROUNDS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often a repeated test repeats; `make campaign` raises it."""
    return ROUNDS


@pytest.fixture(scope="session")
def seed() -> int:
    """The one seed of a run."""
    return SEED


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own `GENUKA_…` variables never reach a test."""
    for name in list(os.environ):
        if name.startswith("GENUKA_") and name not in ("GENUKA_ROUNDS", "GENUKA_SEED") and "TEST" not in name:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="g", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
