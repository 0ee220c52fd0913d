"""Anonymised tables: ours, a bare GROUP BY, OpenDP-Polars, SmartNoise and PipelineDP, on the same rows in one run.

python -m benchmarks.analytics [rows] [users] [groups] [figures]

By default 5,000,000 rows of 200,000 users in 1,000 groups, two figures, ε = 1. `figures`: some of
ours,peers,million,memory. Peers live in venvs under GENUKA_BENCH_PEERS (made there, else in a temporary
folder); one that does not install or run is skipped, and why is said.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

from benchmarks.analytics.data import written
from benchmarks.analytics.ours import AMOUNT, CELLS, DELTA, EPSILON, ROWS, bare, protected

FIGURES = ("ours", "peers", "million", "memory")
PEERS = {
    "opendp_polars": ("opendp[polars]", "pyarrow"),
    "smartnoise": ("smartnoise-sql", "pyarrow"),
    "pipelinedp": ("pipeline-dp", "pyarrow"),
}
_PATIENCE = 1800


def told(figure: str, **said: Any) -> None:
    """Print a figure as a line of JSON."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in said.items()}
    print(json.dumps({"figure": figure, **rounded, "load": round(os.getloadavg()[0], 1)}), flush=True)


def ours(file: Path, groups: int, times: int = 3) -> float:
    """The best of some runs, beside the bare query's."""
    keys = [f"group {number}" for number in range(groups)]
    runs = [protected(file, keys) for _ in range(times)]
    best = min(runs, key=lambda run: run["seconds"])
    plain = min(bare(file) for _ in range(times))
    users = min(bare(file, "DISTINCT user") for _ in range(times))
    bares = {"bare": plain, "times_bare": best["seconds"] / plain}
    told("ours", **best, **bares, bare_of_users=users, times_bare_of_users=best["seconds"] / users)
    return best["seconds"]


def peers(file: Path, groups: int, seconds: float, folder: Path) -> None:
    """Each in a venv of its own, with the same bounds."""
    for name, packages in PEERS.items():
        python = folder / name / "bin" / "python"
        if not python.exists():
            venv.create(folder / name, with_pip=True)
            made = subprocess.run(
                [python, "-m", "pip", "-q", "install", *packages], capture_output=True, text=True, check=False
            )
            if made.returncode:
                told(name, skipped=f"does not install: {_last(made.stderr)}")
                continue
        script = Path(__file__).parent / "peers" / f"{name}.py"
        asked = [str(each) for each in (file, EPSILON, DELTA, CELLS, ROWS, AMOUNT, groups)]
        begun = time.perf_counter()
        try:
            run = subprocess.run(
                [python, "-W", "ignore", script, *asked], capture_output=True, text=True, check=False, timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired:
            told(name, skipped=f"not done after {_PATIENCE} s", times_ours=(time.perf_counter() - begun) / seconds)
            continue
        if run.returncode:
            told(name, skipped=f"does not run: {_last(run.stderr)}")
            continue
        said = json.loads(run.stdout.strip().splitlines()[-1])
        told(name, **said, times_ours=said["seconds"] / seconds)


def apart(file: Path, keys: list[str] | None, memory: str) -> dict[str, float]:
    """In a process of its own, whose memory then is that of this run; `memory` is what the engine may hold."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(protected, (file, keys, memory))


def main(rows: int, users: int, groups: int, figures: set[str]) -> None:
    """Every figure that is asked for."""
    with tempfile.TemporaryDirectory(prefix="gka") as made:
        folder = Path(made)
        file = written(folder / "rows.parquet", rows, users, groups)
        if figures & {"ours", "peers"}:
            best = ours(file, groups)
        if "peers" in figures:
            kept = os.environ.get("GENUKA_BENCH_PEERS")
            peers(file, groups, best, Path(kept) if kept else folder / "peers")
        if "million" in figures:
            # So many that a million of them have rows, and skewed so that some of them are told.
            many = written(folder / "million.parquet", rows, users, 8_000_000, skew=5)
            told("million", **apart(many, None, "1GB"))
        if "memory" in figures:
            keys = [f"group {number}" for number in range(groups)]
            for tenths in (1, 10, 40):
                part, whose = rows * tenths // 10, max(1, users * tenths // 10)
                other = written(folder / "part.parquet", part, whose, groups)
                told("memory", rows=part, users=whose, **apart(other, keys, "256MB"))


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["nothing said"])[-1][:200]


if __name__ == "__main__":
    given = sys.argv[1:]
    numbers = [int(each.replace("_", "")) for each in given if each.replace("_", "").isdigit()]
    rows, users, groups = [*numbers, *(5_000_000, 200_000, 1_000)[len(numbers) :]][:3]
    chosen = {figure for each in given for figure in each.split(",") if figure in FIGURES}
    main(rows, users, groups, chosen or set(FIGURES))
