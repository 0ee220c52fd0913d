"""One look by one sensor from a command: what does not exist is one sentence."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_no_sensor_is_one_sentence() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "genuka_pipelines.ticking", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "'nobody' is no sensor; valid are" in done.stderr
    assert "requests_waiting" in done.stderr
    assert "Traceback" not in done.stderr
