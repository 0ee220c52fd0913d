"""The code location as Dagster loads it: in a fresh interpreter, whole, light, and as it was agreed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AGREED = Path(__file__).with_name("location.json")
DESCRIBE = """
import json, sys, time
began = time.perf_counter()
import dagster
bare = time.perf_counter() - began
from genuka_pipelines.definitions import defs
loaded = defs.load_fn() if hasattr(defs, "load_fn") else defs()
graph = loaded.resolve_asset_graph()
jobs = {j.name: sorted(n.name for n in loaded.resolve_job_def(j.name).graph.node_defs) for j in loaded.jobs}
seconds = time.perf_counter() - began
print(json.dumps({
    "assets": {
        key.to_user_string(): {
            "group": graph.get(key).group_name,
            "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
        }
        for key in sorted(graph.get_all_asset_keys())
    },
    "checks": sorted(f"{c.asset_key.to_user_string()}#{c.name}" for c in graph.asset_check_keys),
    "jobs": jobs,
    "schedules": {s.name: [s.cron_schedule, s.execution_timezone] for s in loaded.schedules},
    "sensors": sorted(s.name for s in loaded.sensors),
    "heavy": [m for m in ("great_expectations", "pyspark", "psycopg", "pymysql", "boto3") if m in sys.modules],
    "bare": bare,
    "seconds": seconds,
}))
"""


@pytest.fixture(scope="session")
def location() -> dict[str, Any]:
    """What a fresh interpreter, started outside the checkout's own folder, says of the location."""
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DESCRIBE],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert said.returncode == 0, said.stderr[-3000:]
    described: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return described


def test_the_location_is_as_agreed(location: dict[str, Any]) -> None:
    """To agree to a change: GENUKA_TEST_AGREE=1 pytest tests/components/test_location.py."""
    now = {name: location[name] for name in ("assets", "checks", "jobs", "schedules", "sensors")}
    if os.environ.get("GENUKA_TEST_AGREE"):
        AGREED.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert now == json.loads(AGREED.read_text(encoding="utf-8"))


def test_loading_imports_no_heavy_library(location: dict[str, Any]) -> None:
    assert location["heavy"] == []


def test_names_fit_the_graph(location: dict[str, Any]) -> None:
    for key in location["assets"]:
        for part in key.split("/"):
            assert len(part) <= 26, key
            assert part.replace("_", "a").isalnum(), key


def test_the_first_part_of_a_key_is_its_group(location: dict[str, Any]) -> None:
    for key, asset in location["assets"].items():
        assert asset["group"] == key.split("/")[0]


def test_every_schedule_bears_its_jobs_name_and_spares_the_hour_that_moves(location: dict[str, Any]) -> None:
    for name, (cron, zone) in location["schedules"].items():
        assert name in location["jobs"]
        assert zone == "Europe/Paris"
        assert cron.split()[1] != "2"


def test_lineage_runs_from_systems_to_staging(location: dict[str, Any]) -> None:
    for key, asset in location["assets"].items():
        groups = {dep.split("/")[0] for dep in asset["deps"]}
        if asset["group"] == "staging":
            assert groups <= {"genuka", "genletter"}
        elif asset["group"] == "retention":
            assert asset["deps"] == [key.removeprefix("retention/")]
        elif asset["group"] == "backups":
            wanted = {"backups/capture": {"genuka", "genletter", "own"}, "backups/drill": {"backups"}}
            assert groups == wanted.get(key, {"backups", "systems"}), key
        elif asset["group"] == "analytics":
            assert groups == ({"analytics"} if key == "analytics/catalogue" else {"staging"}), key
        elif asset["group"] == "exports":
            assert groups == {"genuka"}, key
        elif asset["group"] == "requests":
            assert groups == {"genuka", "genletter", "own"}, key
        elif asset["group"] != "systems":
            assert groups == {"systems"}, key


def test_lineage_in_dagster_is_the_lineage_that_is_proved_unlinked(location: dict[str, Any]) -> None:
    from genuka_pipelines.catalog.lineage import parents_of
    from genuka_pipelines.catalog.load import load_catalog

    catalog = load_catalog(ROOT / "assets")
    followed = [key for key in location["assets"] if key.startswith(("analytics/", "staging/"))]
    assert len(followed) > len(catalog.published) > 0
    for key in followed:
        if key != "analytics/catalogue":
            assert location["assets"][key]["deps"] == sorted(parents_of(catalog, key)), key


def test_every_table_for_analysts_is_in_the_job_of_its_rhythm(location: dict[str, Any]) -> None:
    from genuka_pipelines.catalog.load import load_catalog
    from genuka_pipelines.catalog.published import NAMED

    for name, table in load_catalog(ROOT / "assets").published.items():
        for every, rhythm in NAMED.items():
            nodes = location["jobs"][f"analytics_aggregation_{rhythm}"]
            assert (f"analytics__{name}" in nodes) == (every == table.period.every), (name, rhythm)
            assert "analytics__catalogue" in nodes


def test_the_keepers_of_clauses_exist(location: dict[str, Any]) -> None:
    from genuka_pipelines.catalog.keepers import keepers
    from genuka_pipelines.catalog.load import load_catalog

    catalog = load_catalog(ROOT / "assets")
    for clause, kept_by in keepers(catalog).items():
        assert kept_by, clause
        for keeper in kept_by:
            kind, _, name = keeper.partition(":")
            if kind == "asset":
                assert name in location["assets"], keeper
            elif kind == "check":
                assert name in location["checks"], keeper
            elif kind == "procedure":
                assert name in catalog.procedures, keeper


def test_what_is_planned_does_not_exist_yet(location: dict[str, Any]) -> None:
    from genuka_pipelines.catalog.load import load_catalog

    exists = set(location["jobs"]) | set(location["sensors"]) | {key.split("/")[0] for key in location["assets"]}
    assert not exists & set(load_catalog(ROOT / "assets").planned)


def test_no_clause_is_named_in_python() -> None:
    from genuka_pipelines.catalog.load import load_catalog

    ids = "|".join(load_catalog(ROOT / "assets").clauses)
    code = [*ROOT.glob("genuka_pipelines/**/*.py"), *ROOT.glob("schedules/**/*.py")]
    for file in code:
        lines = file.read_text(encoding="utf-8").splitlines()
        named = [n for n, line in enumerate(lines, 1) if re.search(rf"""["']({ids})["']""", line)]
        assert not named, f"{file.relative_to(ROOT)}: lines {named}"


def test_dagster_is_imported_only_at_the_top() -> None:
    top = ("definitions.py", "ticking.py", "components/")
    allowed = (*(f"genuka_pipelines/{name}" for name in top), "schedules/")
    for file in ROOT.glob("genuka_pipelines/**/*.py"):
        shown = file.relative_to(ROOT).as_posix()
        if not shown.startswith(allowed):
            assert not re.search(r"^\s*(import|from) dagster\b", file.read_text(encoding="utf-8"), re.MULTILINE), shown
