"""`genuka demo`: the whole house runs once on a synthetic Genuka and breaks no clause."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.cli.demo import JOBS
from genuka_pipelines.demo.asking import SENSORS
from genuka_pipelines.demo.runs import running
from genuka_pipelines.demo.seed import Target, seeded_identities
from genuka_pipelines.settings import load_settings
from tests.scenarios.houses import Told


def test_the_demo_succeeds_and_breaks_no_clause(demo: Told) -> None:
    assert demo.said.code == 0, demo.said.err[-2000:]
    said = demo.said.json
    assert said["ok"] is True
    assert said["inspect"]["categories"] == 25
    assert said["inspect"]["failed"] == []
    assert said["requests"] == {"ok": True, "asked": 3, "done": 3}
    assert said["staging"]["tables"] == 10
    assert said["analytics"]["ok"] is True
    assert said["analytics"]["releases"] == said["analytics"]["tables"] > 0
    assert said["clauses"].get("broken", 0) == 0
    assert sum(said["clauses"].values()) == 73
    assert said["clauses"]["kept"] > 0
    assert said["clauses"]["not switched on"] > 0, "what is overdue is asked before anybody goes live"


def test_progress_goes_to_stderr_and_one_object_to_stdout(demo: Told) -> None:
    assert demo.said.out.count("\n") == 1
    assert "Dagster job inspect" in demo.said.err


def test_the_catalogue_says_what_keeps_each_clause(demo: Told) -> None:
    said = demo.house.genuka("catalog", "--json")
    assert said.code == 0
    listed = said.json
    assert len(listed["clauses"]) == 73
    assert all(clause["keepers"] for clause in listed["clauses"])
    assert listed["undeclared"] == []
    assert listed["unmapped_sentences"] == []
    states = {clause["id"]: clause["status"] for clause in listed["clauses"]}
    assert states["GK-02"] == "kept"
    assert states["GK-43"] == "unproven"
    assert set(states.values()) <= {"kept", "unproven", "planned", "procedure", "not switched on"}


def test_the_ledger_is_whole_and_anchored(demo: Told) -> None:
    said = demo.house.genuka("ledger", "verify", "--json")
    assert said.code == 0
    assert said.json["intact"] is True
    for region in ("france", "usa"):
        assert list((demo.house.home / "stores" / region / "ledger" / "anchors").rglob("*.json"))


def test_every_part_is_well(demo: Told) -> None:
    said = demo.house.genuka("doctor", "--json")
    assert said.code == 0, said.out
    assert all(check["ok"] for check in said.json["checks"])


def test_dagster_shows_the_same_history(demo: Told) -> None:
    with sqlite3.connect(demo.house.home / "dagster" / "history" / "runs.db") as runs:
        jobs = dict(runs.execute("select pipeline_name, status from runs").fetchall())
    assert jobs == dict.fromkeys((*SENSORS.values(), *JOBS), "SUCCESS")


def test_no_seeded_name_email_or_phone_is_anywhere_it_needs_not_be(demo: Told) -> None:
    """Dagster's storage, logs, staging and the ledger are searched for every seeded identity."""
    settings = load_settings({"GENUKA_HOME": str(demo.house.home)})
    engines = {name: sa.create_engine(settings.url(name)) for name in ("genuka", "genletter", "control")}
    target = Target(
        engines["genuka"],
        engines["genletter"],
        lambda ref: sa.create_engine(settings.tenant_url(ref)),
        lambda _key, _data: None,
    )
    people = seeded_identities(target, 1_000_000)
    wanted = {text.lower() for text in (*people.names, *people.emails, *people.phones) if len(text) > 5}
    assert len(wanted) > 500
    searched = 0
    for where, text in _texts(demo.house.home, engines["control"]):
        searched += len(text)
        lowered = text.lower()
        leaked = sum(one in lowered for one in wanted)
        assert leaked == 0, f"{leaked} identities in {where}"
    assert searched > 100_000
    planted = next(iter(people.emails)).lower()
    assert planted in wanted


def _texts(home: Path, control: sa.Engine) -> Iterator[tuple[str, str]]:
    import pyarrow.parquet as pq

    for folder in ("dagster", "logs"):
        for file in sorted((home / folder).rglob("*")):
            if file.is_file():
                yield str(file.relative_to(home)), file.read_bytes().decode("utf-8", "ignore")
    for file in sorted((home / "staging").rglob("*.parquet")):
        table = pq.read_table(file)
        metadata = str(table.schema.metadata)
        yield str(file.relative_to(home)), metadata + "\n".join(str(column.to_pylist()) for column in table.columns)
    with control.connect() as connection:
        for name in sa.inspect(control).get_table_names():
            rows = connection.execute(sa.text(f'select * from "{name}"')).all()
            yield f"control.{name}", "\n".join(map(str, rows))


def test_staged_tables_have_declared_columns_only(demo: Told) -> None:
    import pyarrow.parquet as pq

    for key, name, table in load_catalog().tables():
        if table.staging:
            folder = demo.house.home / "staging" / key.split("/")[0] / name
            files = list(folder.glob("*.parquet"))
            assert files, name
            for file in files:
                assert pq.read_schema(file).names == list(table.staging.columns), name


def test_nothing_is_staged_without_consent(demo: Told) -> None:
    import pyarrow.dataset as ds

    settings = load_settings({"GENUKA_HOME": str(demo.house.home)})
    with sa.create_engine(settings.url("genuka")).connect() as connection:
        agreed = connection.execute(
            sa.text(
                "select count(*) from page_views v where not v.do_not_track and exists (select 1 from cookie_consents c"
                " where c.anonymous_id = v.anonymous_id and c.granted_at is not null and c.refused_at is null"
                " and c.withdrawn_at is null and not c.do_not_track)"
            )
        ).scalar()
        every = connection.execute(sa.text("select count(*) from page_views")).scalar()
        opted = connection.execute(
            sa.text(
                "select count(*) from orders where company_id in (select company_id from company_consents"
                " where purpose = 'analytics' and granted_at is not null and withdrawn_at is null)"
            )
        ).scalar()
    staged = ds.dataset(demo.house.home / "staging" / "genuka" / "page_views").count_rows()
    assert staged == agreed < every
    orders = ds.dataset(demo.house.home / "staging" / "genuka" / "orders").count_rows()
    assert 0 < opted <= orders


@pytest.mark.parametrize("job", JOBS)
def test_running_a_job_again_is_fine(demo: Told, job: str) -> None:
    if job != "anchor":
        pytest.skip("the demo itself ran it; only the cheapest is run twice")
    with running(demo.house.home, as_of=datetime.now(UTC)) as runner:
        assert runner.job(job, lambda *_: None).succeeded


def test_who_asked_to_be_forgotten_is_nowhere(demo: Told) -> None:
    """Through the command and the sensor; then every place is searched, but what the law or a tenant keeps."""
    house, settings = demo.house, load_settings({"GENUKA_HOME": str(demo.house.home)})
    engine = sa.create_engine(settings.url("genuka"))
    with engine.connect() as connection:
        recorded = (
            "select u.id, u.email, u.phone, u.first_name || ' ' || u.last_name from users u"
            " join session_recordings r on r.user_id = u.id order by 1"
        )
        found = connection.execute(sa.text(recorded)).first()
    assert found is not None
    values = {str(value).lower() for value in found if value}
    said = house.here("request", "open", "--kind", "erasure", "--subject", found[1], "--by", "staff-1", "--json").json
    name = said["request"]
    house.here("request", "identify", name, "--how", "signed_in", "--by", "staff-1")
    digest = house.here("request", "preview", name, "--json").json["digest"]
    assert house.here("request", "approve", name, "--preview", digest, "--by", "staff-2").code == 0
    with running(house.home, as_of=datetime.now(UTC)) as runner:
        assert runner.tick("requests_waiting", "answer_request", lambda *_: None).succeeded
        assert runner.job("staging", lambda *_: None).succeeded
    shown = house.here("request", "show", name, "--json").json
    for one in shown["recipients"]:
        assert house.here("request", "told", name, one["recipient"], "--by", "staff-1").code == 0
    done = shown["done"]
    assert (done["survivors"], done["deleted"] > 1) == (0, True)
    kept = {one["table"] for one in done["kept_by_law"]}
    catalog = load_catalog()
    of_tenants = {table for key, table, _ in catalog.tables() if catalog.categories[key].role == "processor"}
    places = [*_texts(house.home, sa.create_engine(settings.url("control"))), *_stored(house.home)]
    for database in ("genuka", "genletter"):
        places += [
            (f"{database}.{table}", text) for table, text in _rows(sa.create_engine(settings.url(database)))
            if table not in kept | of_tenants
        ]  # fmt: skip
    assert len(places) > 100
    for where, text in places:
        lowered = text.lower()
        assert not [one for one in values if one in lowered], where


def _rows(engine: sa.Engine) -> Iterator[tuple[str, str]]:
    with engine.connect() as connection:
        for name in sa.inspect(engine).get_table_names():
            yield name, "\n".join(map(str, connection.execute(sa.text(f'select * from "{name}"')).all()))


def _stored(home: Path) -> Iterator[tuple[str, str]]:
    for file in sorted((home / "stores").rglob("*")):
        if file.is_file():
            yield str(file.relative_to(home)), f"{file}\n" + file.read_bytes().decode("utf-8", "ignore")
