"""A seeding in real databases: whole, the same in both dialects, replaced, resumed and forgotten."""

from __future__ import annotations

import os
import signal
from collections import Counter

from sqlalchemy import func, inspect, select

from genuka_pipelines.demo.schema import tables_of
from genuka_pipelines.demo.seed import dedicated_refs, forget, marker_of, seed, seeded_identities
from genuka_pipelines.demo.seed.base import Lane
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA
from tests.demo.recipes import AS_OF, role, table_of
from tests.demo.seeding import SMALL, Place, digests, filled, place
from tests.servers import server


def test_what_is_returned_is_what_is_there(planted: Place) -> None:
    assert planted.seeded
    found: Counter[str] = Counter()
    for database, engine in planted.engines.items():
        with engine.connect() as connection:
            for table in tables_of(role(database)):
                found[table.name] += connection.scalar(select(func.count()).select_from(table)) or 0
    found["tmp_export_2023"] = 1
    assert {name: count for name, count in found.items() if count} == planted.seeded.tables
    assert planted.seeded.rows == found.total()


def test_keys_and_indexes_are_as_the_schema_says(planted: Place) -> None:
    for database, engine in planted.engines.items():
        seen = inspect(engine)
        for table in tables_of(role(database)):
            key = seen.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key]
            built = {tuple(index["column_names"]) for index in seen.get_indexes(table.name)}
            assert {tuple(column.name for column in index.columns) for index in table.indexes} <= built
            unique = {tuple(one["column_names"]) for one in seen.get_unique_constraints(table.name)}
            assert {(column.name,) for column in table.columns if column.unique} <= unique


def test_both_dialects_hold_the_same(planted_postgres: Place, planted_mariadb: Place) -> None:
    assert digests(planted_postgres) == digests(planted_mariadb)
    assert planted_postgres.media == planted_mariadb.media
    assert planted_postgres.seeded == planted_mariadb.seeded


def test_every_media_row_has_its_objects(planted: Place) -> None:
    for database in (GENUKA, *dedicated_refs(SMALL["companies"])):
        rows = planted.rows(database, "media")
        assert rows
        for row in rows:
            data = planted.media[f"{row['id']}/{row['file_name']}"]
            assert len(data) == row["size"]
            conversions = [key for key in planted.media if key.startswith(f"{row['id']}/conversions/")]
            assert len(conversions) == len(row["generated_conversions"])
    for key in [row["cv_key"] for row in planted.rows(GENUKA, "job_applications") if row["cv_key"]]:
        assert planted.media[key].startswith(b"%PDF")


def test_counting_columns_go_on(planted: Place) -> None:
    media = table_of(GENUKA, "media")
    with planted.engines[GENUKA].connect() as connection:
        highest = connection.scalar(select(func.max(media.c.id))) or 0
        made = connection.execute(media.insert().values(file_name="x")).inserted_primary_key
        assert made
        assert made[0] > highest
        connection.rollback()


def test_the_marker_says_how_it_was_made(planted: Place) -> None:
    for engine in planted.engines.values():
        mark = marker_of(engine)
        assert mark
        assert (mark.companies, mark.days, mark.seed, mark.as_of) == (12, 8, 3, AS_OF)
        assert (mark.planted, mark.state) == (True, "complete")


def test_identities_are_those_of_every_database(planted: Place) -> None:
    found = seeded_identities(planted.target, 10_000)
    for database in (GENUKA, "dedicated_01"):
        for row in planted.rows(database, "customers"):
            if row["first_name"] and row["last_name"]:
                assert f"{row['first_name']} {row['last_name']}" in found.names
            assert not row["email"] or row["email"] in found.emails
    assert {row["email"] for row in planted.rows(GENLETTER, "accounts")} <= set(found.emails)
    assert len(seeded_identities(planted.target, 1).names) < len(found.names)
    assert all(isinstance(value, str) for value in (*found.names, *found.emails, *found.phones))


def test_seeding_again_replaces_everything_and_forgetting_leaves_nothing() -> None:
    with place("postgresql", 12) as made:
        first, old = filled(made).seeded, set(made.media)
        assert first
        assert first.planted == []
        assert "tmp_export_2023" not in first.tables
        with made.engines[GENUKA].begin() as connection:
            connection.exec_driver_sql("CREATE TABLE added_since (id int)")
        small = seed(made.target, companies=2, days=2, seed=9, as_of=AS_OF)
        assert inspect(made.engines["dedicated_01"]).get_table_names() == []
        assert "added_since" not in inspect(made.engines[GENUKA]).get_table_names()
        assert small.tables["companies"] == 2
        assert set(made.media) != old
        with made.engines[GENUKA].connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM companies").scalar() == 2
        forget(made.target)
        assert [inspect(engine).get_table_names() for engine in made.engines.values()] == [[], [], []]
        assert made.media == {}
        forget(made.target)


def test_a_seeding_killed_midway_is_mended_by_another(planted_postgres: Place) -> None:
    with place("postgresql", 12) as made:
        child = os.fork()
        if child == 0:
            load, calls = Lane.load, iter(range(60))

            def dying(lane: Lane, rows: object) -> None:
                if next(calls, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                load(lane, rows)  # type: ignore[arg-type]

            Lane.load = dying  # type: ignore[method-assign, assignment]
            filled(made)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        mark = marker_of(made.engines[GENUKA])
        assert mark
        assert mark.state == "loading"
        assert digests(filled(made, plant=True)) == digests(planted_postgres)


def test_where_local_files_are_forbidden_rows_are_inserted(planted_mariadb: Place) -> None:
    here = server("mariadb")
    here.run("SET GLOBAL local_infile = 0")
    try:
        with place("mariadb", 2) as made:
            inserted = digests(filled(made, companies=2, days=2))
    finally:
        here.run("SET GLOBAL local_infile = 1")
    with place("postgresql", 2) as made:
        assert digests(filled(made, companies=2, days=2)) == inserted


def test_even_the_smallest_seeding_can_be_planted() -> None:
    with place("postgresql", 1) as made:
        seeded = filled(made, companies=1, days=1, plant=True).seeded
        assert seeded
        assert {thing.kind for thing in seeded.planted} >= {"card_number", "overdue", "cross_tenant"}
