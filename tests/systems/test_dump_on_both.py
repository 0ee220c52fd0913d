"""Promises of dump and load that both servers keep: one view, nothing seen too early, nothing overwritten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dump import Definition, Dump
from genuka_pipelines.systems.errors import DatabaseUnreachable, MissingTable, NotRestorable, TargetNotEmpty
from tests.conftest import ROUNDS
from tests.servers import Kind
from tests.systems.copying import copied, filled, lines_of, unprefixed
from tests.systems.opened import KINDS, fill, opened, run

NOTES = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("a", sa.Text),
    sa.Column("b", sa.Text),
)
_TEXTS = st.none() | st.text(
    st.characters(codec="utf-8", exclude_characters="\x00") | st.sampled_from("\\\t\n\r\b\f\v'\"N,()`é🐘\ufeff"),
    max_size=30,
)


@pytest.fixture(params=KINDS, scope="module")
def two(request: pytest.FixtureRequest) -> Iterator[tuple[Database, Database]]:
    """A source with a parent and its children, and a target that is empty before each test that leaves it so."""
    with opened(request.param) as source, opened(request.param) as target:
        end = " ENGINE=InnoDB" if source.dialect.name == "mysql" else ""
        run(
            source,
            f"CREATE TABLE people (id int PRIMARY KEY, name varchar(20)){end}",
            "CREATE TABLE pets (id int PRIMARY KEY, person int,"
            f" CONSTRAINT whose FOREIGN KEY (person) REFERENCES people (id)){end}",
            "INSERT INTO people VALUES (1, 'Ada'), (2, NULL)",
            "INSERT INTO pets VALUES (1, 1), (2, NULL)",
        )
        yield source, target


def _names(database: Database) -> set[str]:
    database.refresh()
    return set(database.tables())


def _read(dump: Dump, table: str, worker: int = 0) -> list[bytes]:
    return sorted(b"".join(dump.read(table, worker=worker)).splitlines())


@settings(max_examples=max(3, ROUNDS // 5))
@given(rows=st.lists(st.tuples(_TEXTS, _TEXTS), max_size=60))
def test_any_text_comes_back_to_the_byte(
    two: tuple[Database, Database], rows: list[tuple[str | None, str | None]]
) -> None:
    source, target = two
    fill(source, NOTES, [{"id": number, "a": a, "b": b} for number, (a, b) in enumerate(rows)])
    with source.dump() as dump, target.load() as load:
        filled(dump, load, [NOTES.name])
        assert lines_of(load.quarantine)[NOTES.name] == sorted(b"".join(dump.read(NOTES.name)).split(b"\n")[:-1])
        query = sa.select(*load.quarantine.table(NOTES.name).c).order_by("id")
        assert [tuple(row) for row in load.quarantine.rows(query)] == [(n, a, b) for n, (a, b) in enumerate(rows)]
    run(source, f"DROP TABLE {NOTES.name}")


def _kind(database: Database) -> Kind:
    return "postgresql" if database.dialect.name == "postgresql" else "mariadb"


def test_the_prefix_is_text_or_null(two: tuple[Database, Database]) -> None:
    source, _ = two
    with source.dump() as dump:
        table = source.table("people")
        assert sorted(b"".join(dump.read("people", table.c.name)).splitlines()) == [b"Ada\t1\tAda", b"\\N\t2\t\\N"]
        own = sa.literal("it's \\ a\ttenant 🐘", sa.Text)
        assert b"".join(dump.read("people", own)).startswith("it's \\\\ a\\ttenant 🐘\t1\tAda\n".encode())
        with pytest.raises(MissingTable):
            next(dump.read("ghosts"))
        shape = dump.tables()["people"]
        assert (shape.columns, shape.key) == (("id", "name"), ("id",))


def test_workers_see_one_moment_whatever_is_written(two: tuple[Database, Database]) -> None:
    source, _ = two
    before = lines_of(source)
    with source.dump(workers=2) as dump:
        assert dump.shared
        assert dump.workers == 2
        run(source, "DELETE FROM pets", "INSERT INTO people VALUES (3, 'Late')")
        found: dict[int, list[list[bytes]]] = {}
        threads = [
            threading.Thread(
                target=lambda worker=worker: found.update(
                    {worker: [_read(dump, name, worker) for name in ("people", "pets", "people")]}
                )
            )
            for worker in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found[0] == found[1] == [before["people"], before["pets"], before["people"]]
    run(source, "DELETE FROM people WHERE id = 3", "INSERT INTO pets VALUES (1, 1), (2, NULL)")
    assert lines_of(source) == before


def test_a_stream_left_early_harms_no_other(two: tuple[Database, Database]) -> None:
    source, _ = two
    run(source, "CREATE TABLE wide (id int PRIMARY KEY, text_ text)")
    fill_wide = "repeat('x', 60000)"
    run(source, *(f"INSERT INTO wide VALUES ({number}, {fill_wide})" for number in range(60)))
    with source.dump(workers=2) as dump:
        blocks = dump.read("wide", worker=1)
        first = next(blocks)
        assert first.endswith(b"\n")
        assert 1 << 20 <= len(first) < 1_200_000
        blocks.close()
        assert len(_read(dump, "wide")) == 60
        if source.dialect.name == "mysql":
            with pytest.raises(DatabaseUnreachable):
                next(dump.read("wide", worker=1))
        else:
            assert len(_read(dump, "wide", worker=1)) == 60
    run(source, "DROP TABLE wide")


def test_nothing_is_seen_before_it_is_published(two: tuple[Database, Database]) -> None:
    source, target = two
    with source.dump() as dump, target.load() as load:
        assert filled(dump, load) == []
        assert _names(target) == set()
        assert set(load.quarantine.tables()) == {"people", "pets"}
        with load.quarantine.writing() as connection:
            connection.execute(load.quarantine.table("pets").delete())
            connection.execute(load.quarantine.table("people").delete().where(sa.text("id = 2")))
        assert lines_of(load.quarantine) == {"people": [b"\\N\t1\tAda"], "pets": []}
        streamed = list(load.quarantine.stream(sa.select(load.quarantine.table("people"))))
        assert streamed[0].to_pylist() == [{"id": 1, "name": "Ada"}]
        with load.quarantine.dump() as again:
            assert again.tables() == dump.tables()
        load.publish()
        load.discard()
    assert _names(target) == {"people", "pets"}
    assert lines_of(target)["people"] == [b"\\N\t1\tAda"]
    with pytest.raises(TargetNotEmpty, match="already holds"), target.load():
        pass
    run(target, "DROP TABLE pets", "DROP TABLE people")


def test_what_is_not_published_is_gone(two: tuple[Database, Database]) -> None:
    source, target = two
    with suppress(ZeroDivisionError), source.dump() as dump, target.load() as load:
        filled(dump, load)
        quarantine = load.quarantine
        raise ZeroDivisionError
    assert _names(target) == set()
    with pytest.raises((DatabaseUnreachable, MissingTable)):
        quarantine.count(quarantine.table("people"))


def test_one_restore_at_a_time_and_a_killed_one_leaves_no_obstacle(two: tuple[Database, Database]) -> None:
    source, target = two
    with source.dump() as dump, target.load() as load:
        filled(dump, load)
        with pytest.raises(TargetNotEmpty, match="already"), target.load():
            pass
        load._connection.close()  # type: ignore[attr-defined]
        load._open = False  # type: ignore[attr-defined]
    assert copied(source, target) == []
    assert lines_of(target) == lines_of(source)
    run(target, "DROP TABLE pets", "DROP TABLE people")


def test_a_table_alone_leaves_out_its_foreign_keys_and_says_so(two: tuple[Database, Database]) -> None:
    source, target = two
    with source.dump() as dump, target.load() as load:
        assert filled(dump, load, ["pets"]) == ["pets.whose"]
        load.publish()
    assert _names(target) == {"pets"}
    assert target.links() == ()
    run(target, "INSERT INTO pets VALUES (3, 99)", "DROP TABLE pets")


def test_a_row_that_is_not_taken_is_named_without_its_values(two: tuple[Database, Database]) -> None:
    source, target = two
    with source.dump() as dump, target.load() as load:
        load.create(dump.definition(), ["people"])
        for lines in ([b"secret\tAda\n"], [b"1\t" + b"secret" * 9 + b"\n"], [b"99999999999999\tsecret\n"]):
            with pytest.raises(NotRestorable, match="people") as caught:
                load.rows("people", ("id", "name"), lines)
            assert "secret" not in str(caught.value)
        assert load.rows("people", ("id", "name"), []) == 0
        assert load.rows("people", ("name", "id"), (line for line in (b"Bob\t1\n", b"\\N\t2\n"))) == 2
        assert lines_of(load.quarantine) == {"people": [b"\\N\t1\tBob", b"\\N\t2\t\\N"]}


def test_a_backup_of_another_product_is_refused(two: tuple[Database, Database]) -> None:
    _, target = two
    other = Definition("mysql" if target.dialect.name == "postgresql" else "postgresql", "1", ())
    with target.load() as load, pytest.raises(NotRestorable, match="the backup is of"):
        load.create(other, [])


def test_an_empty_database_is_a_backup_too(two: tuple[Database, Database]) -> None:
    _, target = two
    with opened(_kind(target)) as empty, empty.dump() as dump:
        assert (dump.tables(), dump.sequences(), dump.elsewhere) == ({}, {}, ())
        with target.load() as load:
            assert [*filled(dump, load), *load.publish()] == []
    assert _names(target) == set()


def test_a_million_small_parts_make_few_blocks(two: tuple[Database, Database]) -> None:
    source, target = two
    with source.dump() as dump, target.load() as load:
        load.create(dump.definition(), ["people"])
        assert load.rows("people", ("id", "name"), (b"%d\tx\n" % number for number in range(20_000))) == 20_000
        with load.quarantine.dump() as again:
            assert sum(block.count(b"\n") for block in again.read("people")) == 20_000
            assert len(b"".join(unprefixed(again.read("people")))) > 100_000
