"""Whatever MariaDB can hold comes back as it was: the same lines, and a database that works the same."""

# ruff: noqa: E501
from __future__ import annotations

import struct
from collections.abc import Iterator

import pymysql
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.systems.database import Database, open_database
from genuka_pipelines.systems.errors import NotReadWhole, QueryFailed, TargetNotEmpty
from genuka_pipelines.systems.mysql.dump import ask, connect
from tests.systems.copying import copied, lines_of
from tests.systems.opened import opened

ODD = 'l\'été `x` "y"'
EVERYTHING = (
    """CREATE TABLE `l'été ``x`` "y"` (
        id bigint unsigned NOT NULL AUTO_INCREMENT, `naïve 'col'` varchar(40) COMMENT 'it''s,\n (é)',
        doubled bigint AS (ti * 2) STORED, twice int AS (1 + 1) VIRTUAL,
        lat varchar(40) CHARACTER SET latin1, sj varchar(40) CHARACTER SET sjis, u16 text CHARACTER SET utf16,
        asc_ char(36) CHARACTER SET ascii COLLATE ascii_bin, old text CHARACTER SET utf8mb3,
        d date NOT NULL DEFAULT '0000-00-00', dt datetime(6), ts timestamp(3) NULL, t time(6), y year,
        f float, f2 float(9,3), g double, g2 double(20,4), n decimal(65,30), bit_ bit(64), bit1 bit,
        b binary(4), vb varbinary(20), bl longblob, j json, e enum('', 'a,b', 'it''s', '2'), s set('x','y z'),
        geo geometry, p point, bool_ tinyint(1), ti tinyint unsigned, u uuid, i6 inet6, lt longtext,
        PRIMARY KEY (id), KEY (`naïve 'col'`(5)), UNIQUE KEY (dt, t), CHECK (ti <> 100), FULLTEXT KEY (lt)
        ) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin""",
    """CREATE TABLE child (a int PRIMARY KEY, parent bigint unsigned, other int,
        CONSTRAINT `to it's parent` FOREIGN KEY (parent) REFERENCES `l'été ``x`` "y"` (id) ON DELETE CASCADE,
        CONSTRAINT itself FOREIGN KEY (other) REFERENCES child (a) ON UPDATE SET NULL)""",
    "CREATE TABLE keyless (a text, b text)",
    "CREATE TABLE empty_one (a int)",
    "CREATE TABLE parted (d date) PARTITION BY RANGE (year(d)) (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE)",
    "CREATE FUNCTION plus_one(n int) RETURNS int DETERMINISTIC RETURN n + 1",
    "CREATE PROCEDURE nothing_much() BEGIN SELECT 1; SELECT 'DEFINER=`a`@`b`'; END",
    "CREATE VIEW b_view AS SELECT plus_one(a) AS a FROM child",
    "CREATE VIEW a_view AS SELECT a, 'it''s' AS s FROM b_view",
    "CREATE TRIGGER noting BEFORE INSERT ON keyless FOR EACH ROW SET NEW.b = 'noted'",
    "CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO DELETE FROM empty_one",
)
ROWS = (
    "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
    r"""INSERT INTO `l'été ``x`` "y"` (id, `naïve 'col'`, lat, sj, u16, asc_, old, d, dt, ts, t, y, f, f2, g, g2, n, bit_, bit1, b, vb,
        bl, j, e, s, geo, p, bool_, ti, u, i6, lt) VALUES
        (0, 'a\t\n\r\\\0 \\N '' " é 🐘 \Z', 'é€\\\t', '日本\\', '🐘\n', 'x', 'é\t', '0000-00-00', '2020-02-31 00:00:00', '1970-01-01 00:00:01.001',
         '-838:59:59.999999', 0, 1e-38, 123456.789, 4.9406564584124654e-324, 12345678901.12345, 12345678901234567890.123456789012345678901234567890,
         b'1111111111111111111111111111111111111111111111111111111111111111', b'1', 'a', x'00ff0a5c09fefe', x'ff', ' {"a" :  1.50, "a":2} ', 'a,b', 'x,y z',
         ST_GeomFromText('LINESTRING(0 0, 1 1.5)', 4326), POINT(1, -2.5), 2, 255, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::1', repeat('x', 70000)),
        (18446744073709551614, '', '', '', '', '', '', '9999-12-31', '0000-00-00 00:00:00', NULL, '00:00:00', 2155, 16777216, -0.001, 1.7976931348623157e308, -1.1, -0.1,
         0, b'0', '', '', '', '[]', '', '', NULL, NULL, 0, 0, NULL, NULL, ''),
        (7, '\\N', '\\N', NULL, NULL, NULL, NULL, '2020-00-00', '1000-01-01 23:59:59.999999', '2038-01-19 03:14:07', '01:02:03.5', 1901, 3.4028235e38, 0.1, 0.1, 0.1, 1,
         1, NULL, x'00', x'20', x'', 'null', '2', 'y z', NULL, NULL, NULL, NULL, NULL, NULL, 'NULL')""",
    r"""INSERT INTO `l'été ``x`` "y"` (id, g, f) VALUES (8, 0.1e0 + 0.2e0, 0.1e0 + 0.2e0), (9, -0e0, 1/3), (10, 1e22, 1.1), (11, 123456789012345680000, 8388609)""",
    "INSERT INTO child VALUES (1, 0, 1), (2, NULL, 1)",
    "INSERT INTO keyless VALUES ('a', NULL), ('a', NULL), (NULL, '\\\\N')",
    "INSERT INTO parted VALUES ('2019-01-01'), ('2021-01-01'), (NULL)",
)


def do(database: Database, *statements: str) -> None:
    connection = connect(database, statements)
    connection.close()
    database.refresh()


@pytest.fixture(scope="module")
def full() -> Iterator[Database]:
    with opened("mariadb") as database:
        do(database, *EVERYTHING)
        do(database, *ROWS)
        yield database


def test_everything_comes_back(full: Database) -> None:
    with opened("mariadb") as target:
        assert copied(full, target) == []
        before, after = lines_of(full), lines_of(target)
        assert before == after
        assert {name: len(held) for name, held in before.items()} == {
            ODD: 7, "child": 2, "empty_one": 0, "keyless": 3, "parted": 3
        }  # fmt: skip
        with full.dump() as one, target.dump() as other:
            assert one.tables() == other.tables()
            assert one.definition() == other.definition()
            assert one.sequences() == other.sequences()
            assert one.tables()[ODD].key == ("id",)
            assert not {"doubled", "twice"} & set(one.tables()[ODD].columns)
            assert one.definition().unread == ()
        do(target, "INSERT INTO keyless VALUES ('x', 'y')")
        assert target.scalar(sa.text("SELECT b FROM keyless WHERE a = 'x'")) == "noted"
        assert target.rows(sa.text("SELECT a FROM a_view ORDER BY 1")) == [(2,), (3,)]
        assert (
            target.scalar(sa.text("SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE '%rest'"))
            == 0
        )


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_floating_numbers_are_exact(full: Database, values: list[float]) -> None:
    singles = [struct.unpack("f", struct.pack("f", value if abs(value) < 3e38 else 1.5))[0] for value in values]
    rows = ", ".join(
        f"({n}, '{value!r}', '{one!r}')" for n, (value, one) in enumerate(zip(values, singles, strict=True))
    )
    do(
        full,
        "CREATE OR REPLACE TABLE floats (id int PRIMARY KEY, a double, b float)",
        f"INSERT INTO floats VALUES {rows}",
    )
    with full.dump() as dump:
        found = [line.split(b"\t")[2:] for line in b"".join(dump.read("floats")).splitlines()]
    assert [(float(a), float(b)) for a, b in found] == list(zip(values, singles, strict=True))
    do(full, "DROP TABLE floats")


def test_a_table_without_transactions_is_refused_by_name() -> None:
    for table in ("old (a int) ENGINE=MyISAM", "old (a int) ENGINE=Aria", "old (a int) WITH SYSTEM VERSIONING"):
        with opened("mariadb") as database:
            do(database, f"CREATE TABLE {table}")
            with pytest.raises(NotReadWhole, match="'old'"), database.dump():
                pass


def test_a_row_larger_than_a_packet_is_refused(full: Database) -> None:
    do(full, "CREATE TABLE huge (a longblob)", "INSERT INTO huge VALUES (repeat('x', 9 << 20))")
    try:
        with full.dump() as dump, pytest.raises(QueryFailed, match="max_allowed_packet"):
            list(dump.read("huge"))
    finally:
        do(full, "DROP TABLE huge")


def test_without_the_right_to_lock_there_is_one_worker(full: Database) -> None:
    name = full.url.database
    do(full, "CREATE OR REPLACE USER half@localhost", f"GRANT SELECT, EXECUTE ON {name}.* TO half@localhost")
    try:
        with open_database(full.url.set(username="half"), name="shop_database") as half, half.dump(workers=3) as dump:
            assert (dump.shared, dump.workers) == (False, 1)
            assert len(b"".join(dump.read("keyless")).splitlines()) == 3
            assert "function plus_one" in dump.definition().unread
    finally:
        do(full, "DROP USER half@localhost")


def test_a_name_beyond_the_first_plane_is_refused_by_the_server(full: Database) -> None:
    with pytest.raises(pymysql.MySQLError):
        do(full, "CREATE TABLE `🐘` (a int)")


def test_a_database_of_the_name_that_is_not_ours_is_kept() -> None:
    with opened("mariadb") as target:
        beside = f"`{target.url.database}__restoring`"
        do(target, f"CREATE DATABASE {beside}", f"CREATE TABLE {beside}.mine (a int)")
        try:
            with pytest.raises(TargetNotEmpty, match="not of a restore"), target.load():
                pass
            assert ask(connect(target, ()), f"SELECT count(*) FROM {beside}.mine") == [(0,)]
        finally:
            do(target, f"DROP DATABASE {beside}")


def test_a_row_wider_than_a_block_is_loaded_by_itself() -> None:
    with opened("mariadb") as source, opened("mariadb") as target:
        wide = "INSERT INTO wide VALUES (repeat('x', 7 << 20)), (repeat(char(39), 3 << 20)), ('')"
        do(source, "CREATE TABLE wide (a longtext)", wide)
        copied(source, target)
        assert target.rows(sa.text("SELECT length(a) FROM wide ORDER BY 1")) == [(0,), (3 << 20,), (7 << 20,)]


def test_the_restored_foreign_keys_work(full: Database) -> None:
    with opened("mariadb") as target:
        copied(full, target)
        with pytest.raises(pymysql.IntegrityError):
            do(target, "INSERT INTO child VALUES (5, 12345, NULL)")
        do(target, "UPDATE child SET other = NULL", 'DELETE FROM `l\'été ``x`` "y"` WHERE id = 0')
        assert target.scalar(sa.text("SELECT count(*) FROM child WHERE a = 1")) == 0
        assert {link.parent for link in target.links()} == {"child", ODD}
