"""The names of expectations are Great Expectations' own."""

from __future__ import annotations

import re
import subprocess
import sys

from genuka_pipelines.catalog.expectation import NAMES


def test_every_name_exists_in_great_expectations() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", "import great_expectations.expectations.core as c; print(*dir(c))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    real = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in listed if name.startswith("Expect")}
    assert real >= NAMES
