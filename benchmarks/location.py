"""Loading the code location beside a bare `import dagster`, each in a fresh process.

python -m benchmarks.location
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

BARE = "import dagster"
WHOLE = "from genuka_pipelines.definitions import defs; d = defs.load_fn() if hasattr(defs, 'load_fn') else defs()"


def seconds(code: str) -> float:
    """Wall seconds of a fresh interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    return time.perf_counter() - began


def main(pairs: int = 5) -> dict[str, Any]:
    """Medians of pairs run in turn."""
    found = [(seconds(BARE), seconds(WHOLE)) for _ in range(pairs)]
    return {
        "seconds_bare": round(statistics.median(bare for bare, _ in found), 2),
        "seconds_location": round(statistics.median(whole for _, whole in found), 2),
        "ratio": round(statistics.median(whole / bare for bare, whole in found), 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
