from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from genuka_pipelines.keys import Keyring, open_keyring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys"


@pytest.fixture
def ring(folder: Path) -> Keyring:
    return open_keyring(folder, create=True)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 22, 3, 15, tzinfo=UTC)
