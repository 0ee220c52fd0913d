"""Runs every measurement one after the other, each in a process of its own: `make bench`, or some by name."""

from __future__ import annotations

import subprocess
import sys

ALL = ("location", "staging", "stores", "detectors", "sweeping", "backups", "analytics", "exports", "requests")

if __name__ == "__main__":
    failed = []
    for name in sys.argv[1:] or ALL:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
