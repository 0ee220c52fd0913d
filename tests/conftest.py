"""What every test shares: the number of rounds and the seed."""

from __future__ import annotations

import os

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


LONGEST = ("scenarios", "rows", "control", "demo", "retention", "stores")
"""Folders whose files last: side by side (`-n`) these begin, so that nobody waits long for the last of them."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        places = {room: place for place, room in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.path.parent.name, len(places)))


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
