"""The lines of a dump as typed columns: what the two readers of a table say of the same rows is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.row_text import fields, typed, without_prefix
from tests.servers import Kind, fresh_database

MADE: dict[Kind, str] = {
    "postgresql": """CREATE TABLE t (id varchar(20) PRIMARY KEY, n numeric(12,2), u numeric, f double precision,
        b boolean, ts timestamp, tz timestamptz, d date, j jsonb, bin bytea, a text[], i integer, tm time, tx text)""",
    "mariadb": """CREATE TABLE t (id varchar(20) PRIMARY KEY, n decimal(12,2), f double, b tinyint(1), ts datetime(6),
        tz timestamp NULL, d date, j json, bin varbinary(9), i int unsigned, tm time, tx text, bits bit(4))""",
}
ROWS: dict[Kind, list[str]] = {
    "postgresql": [
        "('b', 1.5, 2, 0.1, true, '2026-01-01 01:02:03.5', '2026-01-01 01:02:03+01', '2026-01-01',"
        " jsonb_build_object('a', 1), decode('00ff', 'hex'), ARRAY['1', NULL], -5, '10:00',"
        " E'tab\\tline\\nback\\\\slash\\r\\b\\f' || chr(11))",
        "('A', null, null, null, null, null, null, null, null, null, null, null, null, null)",
        "('é', -1, 0, '-Infinity', false, null, null, null, '[]', '', '{}', 0, null, '')",
        "('\\N', 0, 0, 0, false, null, null, null, 'null', '', null, 0, null, '\\N')",
    ],
    "mariadb": [
        "('b', 1.5, 0.1, 1, '2026-01-01 01:02:03.5', '2026-01-01 01:02:03', '2026-01-01', '{\"a\": [1]}', x'00ff', 7,"
        " '10:00', 'tab\\tline\\nback\\\\slash\\r', 5)",
        "('A', null, null, null, null, null, null, null, null, null, null, null, null)",
        "('é', -1, 0, 0, null, null, null, '[]', '', 0, null, '', 0)",
    ],
}


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    kind: Kind = request.param
    with fresh_database(kind) as url, Database(url, name="t") as found:
        run(url, MADE[kind], *(f"INSERT INTO t VALUES {row}" for row in ROWS[kind]))
        yield found


def run(url: sa.URL, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for one in statements:
            connection.exec_driver_sql(one.replace("%", "%%"))


def read(database: Database, **how: Any) -> tuple[bytes, list[dict[str, Any]], dict[str, int]]:
    """The text of the rows, their values, and what has no typed form."""
    with database.dump() as dump:
        columns = how.get("columns") or dump.tables()["t"].columns
        text = without_prefix(b"".join(dump.read("t", ordered=True, **how)))
    batch, lost = typed(text, fields(database, "t", columns))
    return text, batch.to_pylist(), lost


def test_text_and_types_say_the_same(database: Database) -> None:
    text, found, lost = read(database)
    assert text.count(b"\n") == len(found) == database.count(database.table("t"))
    assert lost == {}
    streamed = [row for batch in database.stream(sa.select(database.table("t"))) for row in batch.to_pylist()]
    assert sorted(found, key=lambda row: row["id"].encode()) == found
    by_id = {row["id"]: row for row in streamed}
    for row in found:
        streamed_row = by_id[row["id"]]
        streamed_row.pop("bits", None)
        assert row.pop("bits", "5") in ("5", "0", None)
        assert row == streamed_row


def test_rows_columns_and_answers_of_one_snapshot(database: Database) -> None:
    of = database.table("t")
    text, found, _ = read(database, columns=("i", "id"), where=of.c.id == "b")
    assert len(found) == 1
    assert text == (b"-5\tb\n" if database.dialect.name == "postgresql" else b"7\tb\n")
    with database.dump() as dump:
        run(database.url, "DELETE FROM t WHERE id = 'A'")
        asked = sa.select(sa.func.count()).select_from(of)
        assert dump.ask(asked) == [(len(ROWS["postgresql" if database.dialect.name == "postgresql" else "mariadb"]),)]
    assert database.count(of) == dump_count(database)


def dump_count(database: Database) -> int:
    return len(read(database)[1])


def test_what_has_no_typed_form_is_counted(database: Database) -> None:
    if database.dialect.name == "postgresql":
        run(database.url, "INSERT INTO t (id, n, ts, d) VALUES ('x', 'NaN', 'infinity', '0044-03-15 BC')")
        wanted = {"n": 1, "ts": 1, "d": 1}
    else:
        run(database.url, "SET sql_mode = ''", "INSERT INTO t (id, d) VALUES ('x', '0000-00-00')")
        wanted = {"d": 1}
    text, found, lost = read(database)
    assert lost == wanted
    assert (b"infinity" in text) or (b"0000-00-00" in text)
    assert next(row for row in found if row["id"] == "x")["d"] is None


def test_rows_without_a_key_come_in_one_order(database: Database) -> None:
    run(
        database.url,
        "CREATE TABLE bag (a varchar(9), b integer)",
        "INSERT INTO bag VALUES ('x', 1), ('é', 2), ('x', 1)",
    )
    with database.dump() as dump:
        first = b"".join(dump.read("bag", ordered=True))
    run(database.url, "DELETE FROM bag", "INSERT INTO bag VALUES ('é', 2), ('x', 1), ('x', 1)")
    with database.dump() as dump:
        assert b"".join(dump.read("bag", ordered=True)) == first


@pytest.mark.parametrize(
    ("charset", "text"), [("latin2", "Łódź ęž"), ("utf16", "日本😀"), ("ucs2", "日本"), ("binary", None)]
)
def test_texts_in_other_character_sets(charset: str, text: str | None) -> None:
    with fresh_database("mariadb") as url, Database(url, name="t") as database:
        run(url, f"CREATE TABLE t (id int PRIMARY KEY, v varchar(20) CHARACTER SET {charset})" if text
            else "CREATE TABLE t (id int PRIMARY KEY, v varbinary(20))")  # fmt: skip
        run(
            url,
            f"INSERT INTO t VALUES (1, '{text}'), (2, NULL)"
            if text
            else "INSERT INTO t VALUES (1, x'ff00'), (2, NULL)",
        )
        assert [row["v"] for row in read(database)[1]] == [text or b"\xff\x00", None]
