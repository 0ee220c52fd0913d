"""A new table and a YAML file, and no Python: a category with staging, checks and a catalogue entry."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from genuka_pipelines.settings import load_settings
from tests.scenarios.houses import ROOT, House

FACTS = """
type: genuka_pipelines.components.DataCategory
attributes:
  title: {fr: Avis sur l'aide, en: Help ratings}
  role: controller
  source: given
  system: genuka_database
  subjects: [user]
  purposes: [statistics]
  legal_basis: [legitimate_interest]
  law: [GDPR]
  clauses: [GK-49]
  tables:
    help_ratings:
      tenant: company_id
      subject: {user: user_id}
      columns:
        id: user.unique_id
        company_id: tenant
        user_id: user.unique_id
        stars: user.behavior
        rated_at: user.behavior
      retention:
        - {keep: P6M, since: rated_at, clause: GK-32}
      expectations:
        - expect_column_values_to_be_between: {column: stars, min_value: 1, max_value: 5}
      staging:
        purpose: statistics
        columns:
          rater: {pseudonym: user_id}
          stars: stars
          day: {day: rated_at}
"""
TABLE = """
create table help_ratings as
select 'r' || n as id, c.id as company_id, 'u' || n as user_id, 1 + n % 5 as stars,
       now()::timestamp - interval '3 days' as rated_at
from generate_series(1, 40) n, (select min(id)::varchar(26) as id from companies) c
"""
RUN = """
import dagster as dg, sys
from genuka_pipelines.definitions import defs
loaded = defs.load_fn() if hasattr(defs, "load_fn") else defs()
keys = [dg.AssetKey(["genuka", "help_ratings"]), dg.AssetKey(["staging", "genuka", "help_ratings"])]
job = dg.define_asset_job("one", selection=dg.AssetSelection.assets(*keys), executor_def=dg.in_process_executor)
loaded = dg.Definitions.merge(loaded, dg.Definitions(jobs=[job]))
result = loaded.resolve_job_def("one").execute_in_process(raise_on_error=False)
checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
print(result.success, checks)
"""


def test_a_new_table_is_one_yaml_file(seeded_house: House, tmp_path: Path) -> None:
    project = _project(tmp_path)
    settings = load_settings({"GENUKA_HOME": str(seeded_house.home)})
    engine = sa.create_engine(settings.url("genuka"))
    with engine.begin() as connection:
        connection.execute(sa.text(TABLE))
    try:
        before = seeded_house.here("catalog", "--json").json
        assert any("help_ratings" in name for name in before["undeclared"])
        file = project / "assets" / "genuka" / "help_ratings" / "defs.yaml"
        file.parent.mkdir()
        file.write_text(FACTS, encoding="utf-8")
        env = {**seeded_house.env, "PYTHONPATH": str(project)}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", RUN],
            cwd=project,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.startswith("True"), done.stdout + done.stderr[-3000:]
        for check in ("as_declared", "well_formed", "no_card_numbers"):
            assert f"'{check}': True" in done.stdout
        staged = list((seeded_house.home / "staging" / "genuka" / "help_ratings").glob("*.parquet"))
        assert len(staged) == 1
        after = seeded_house.here("catalog", "--json", GENUKA_ASSETS=str(project / "assets")).json
        entry = next(c for c in after["categories"] if c["key"] == "genuka/help_ratings")
        assert entry["tables"] == ["help_ratings"]
        assert after["undeclared"] == []
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("drop table help_ratings"))
        engine.dispose()


def _project(folder: Path) -> Path:
    """The checkout by links, with facts of its own."""
    project = folder / "project"
    project.mkdir()
    for name in ("genuka_pipelines", "schedules", "pyproject.toml"):
        (project / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "assets", project / "assets", ignore=shutil.ignore_patterns("__pycache__"))
    return project
