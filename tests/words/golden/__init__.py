"""What people read, as it was agreed: a change of words shows as a change of these files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def agreed(name: str, lines: Iterable[str]) -> None:
    """The lines are those of the file. To agree to a change: GENUKA_TEST_AGREE=1 pytest tests/words."""
    file = Path(__file__).with_name(name)
    now = "".join(f"{line}\n" for line in lines)
    if os.environ.get("GENUKA_TEST_AGREE"):
        file.write_text(now, encoding="utf-8")
    assert now == file.read_text(encoding="utf-8")
