"""Whatever PostgreSQL can hold comes back as it was: the same lines, and a database that works the same."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from genuka_pipelines.systems.database import Database, open_database
from genuka_pipelines.systems.errors import NotPermitted, NotReadWhole, RowsHidden, TargetNotEmpty
from genuka_pipelines.systems.postgresql.dump import connect
from tests.systems.copying import copied, lines_of
from tests.systems.opened import opened

EVERYTHING = """
CREATE EXTENSION vector;
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'é, 🐘');
CREATE COLLATION "my coll" (provider = libc, locale = 'C');
CREATE FUNCTION is_odd(n int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN n % 2 = 1; END $$;
CREATE DOMAIN odd AS int DEFAULT 1 CONSTRAINT "is odd" CHECK (is_odd(VALUE));
CREATE TYPE place AS (x int, "name, of" text, feelings mood[]);
CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE "l'été 🐘 ""x"" y" (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3), "naïve 'col'" text COLLATE "my coll",
  doubled bigint GENERATED ALWAYS AS (id * 2) STORED, n odd, m mood, ms mood[], p place, ps place[], matrix int[][],
  shifted int[], d date, t time, tz timetz, ts timestamp, tsz timestamptz, iv interval, r real, f float8, num numeric,
  num2 numeric(20,5), cash money, b bit(5), vb bit varying, by bytea, j json, jb jsonb, x xml, i inet, c cidr, ma macaddr,
  u uuid, tsv tsvector, tsq tsquery, ir int4range, im int4multirange, tr tstzrange, sp span, pt point, po polygon, v vector(3),
  ch char(8), nm name, rc regclass, o oid, flag bool, lsn pg_lsn, jp jsonpath, PRIMARY KEY (id));
CREATE TABLE serials (n serial PRIMARY KEY, big bigserial, parent bigint REFERENCES "l'été 🐘 ""x"" y" ON DELETE CASCADE,
  CHECK (n > 0), UNIQUE (big) DEFERRABLE);
CREATE TABLE empty ();
CREATE TABLE nothing_in (id int PRIMARY KEY, CONSTRAINT positive CHECK (id > 0) NOT VALID);
CREATE TABLE keyless (a text, b text);
CREATE TABLE parted (day date NOT NULL, n int, EXCLUDE USING btree (day WITH =, n WITH =)) PARTITION BY RANGE (day);
CREATE TABLE parted_old PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE parted_new PARTITION OF parted DEFAULT PARTITION BY LIST (n);
CREATE TABLE parted_new_1 PARTITION OF parted_new FOR VALUES IN (1);
CREATE INDEX parted_n ON parted (n);
CREATE SEQUENCE alone INCREMENT -7 START 100 MAXVALUE 100 MINVALUE -1000;
CREATE INDEX "some 'index'" ON "l'été 🐘 ""x"" y" USING gin (jb) WHERE f > 0;
CREATE VIEW b_view AS SELECT 1 AS one;
CREATE VIEW a_view AS SELECT id, 'a''b' AS s FROM "l'été 🐘 ""x"" y" CROSS JOIN b_view;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM a_view;
CREATE UNIQUE INDEX ON counted (n);
CREATE FUNCTION of_row(keyless) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT $1.a; END;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.b := 'noted'; RETURN NEW; END $$;
CREATE TRIGGER "note it" BEFORE INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION noted();
ALTER TABLE keyless ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON keyless FOR SELECT TO PUBLIC USING (a = current_user);
COMMENT ON COLUMN keyless.a IS 'it''s a'
"""
ROWS = r"""
SET session_replication_role = replica;
INSERT INTO "l'été 🐘 ""x"" y" ("naïve 'col'", n, m, ms, p, ps, matrix, shifted, d, t, tz, ts, tsz, iv, r, f, num, num2, cash, b, vb, by,
  j, jb, x, i, c, ma, u, tsv, tsq, ir, im, tr, sp, pt, po, v, ch, nm, rc, o, flag, lsn, jp) VALUES
 (E'\t\n\r\\ \\N \b\f\v " '' é 🐘 \u0301 \x01 \x7f', 3, 'sad', '{sad,NULL,"it''s \"ok\""}', ROW(1, E'a,"b\\\t(', '{sad}'),
  ARRAY[ROW(NULL, '', NULL)::place, NULL], '{{1,2},{3,4}}', '[-2:0]={1,2,3}', '0044-03-15 BC', '24:00:00', '04:05:06.789+05:30',
  'infinity', '-infinity', '-1 year 2 days -03:04:05.000006', 'NaN', '-Infinity', 'NaN', 1.10000, -1234.56, B'10101', B'',
  '\x00ff0a5c', ' { "a" :  1, "a": 2.50 } ', '{"b": 1.10, "a": "\\n"}', NULL, '192.168.0.1/24', '10.0.0.0/8',
  '08:00:2b:01:02:03', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', $$'it''s':1A fat:2$$, 'fat & (rat | cat)', '[1,5)', '{[1,3), [7,9)}',
  '(,infinity)', '[1.1,2.2]', '(1.1,-0)', '((0,0),(1,1),(1,0))', '[1,2.5,3]', 'ab', 'nm', 'keyless', 4294967295, true, '16/B374D848', '$.a[*]'),
 ('', 1, NULL, '{}', NULL, NULL, '{}', NULL, '5874897-12-31', NULL, NULL, '4713-01-01 BC', '294276-12-31 23:59:59.999999+00',
  '178000000 years', '1e-45', 4.9e-324, 1e1000, 0, 92233720368547758.07, B'00000', B'1', '', 'null', '"\u0001"', NULL, '::1', '::/0', NULL, NULL, '', '',
  'empty', '{}', 'empty', NULL, NULL, NULL, NULL, '', '', NULL, 0, false, NULL, NULL);
INSERT INTO "l'été 🐘 ""x"" y" (f, r) VALUES (0.1::float8 + 0.2, 16777217), ('-0', 0.1), (1e22, 3.4028235e38);
INSERT INTO serials (parent) VALUES (5), (NULL);
INSERT INTO empty DEFAULT VALUES; INSERT INTO empty DEFAULT VALUES;
INSERT INTO keyless VALUES ('a', NULL), ('a', NULL), (NULL, '\N');
INSERT INTO parted VALUES ('2019-05-05', 1), ('2021-05-05', 1);
SELECT nextval('alone'), nextval('alone');
SET session_replication_role = origin
"""
ODD = 'l\'été 🐘 "x" y'


def do(database: Database, script: str) -> None:
    with connect(database, ()) as connection:
        connection.execute(script)
    database.refresh()


@pytest.fixture(scope="module")
def full() -> Iterator[Database]:
    with opened("postgresql") as database:
        do(database, EVERYTHING)
        do(database, ROWS)
        yield database


def test_everything_comes_back(full: Database) -> None:
    with opened("postgresql") as target:
        assert copied(full, target) == []
        before, after = lines_of(full), lines_of(target)
        assert before == after
        text = b"".join(before[ODD])
        for exact in (
            b"0.30000000000000004", b"\t5e-324\t", b"\t-0\t", b"1.6777216e+07", b"3.4028235e+38", b"0044-03-15 BC",
            b"-1 years +2 days -03:04:05.000006", b"-$1,234.56", b"$92,233,720,368,547,758.07", b"[-2:0]={1,2,3}",
            b"04:05:06.789+05:30", b"\\\\x00ff0a5c", b" { \"a\" :  1, \"a\": 2.50 } ", b"(,infinity)", b"\tNaN\t-Infinity\tNaN\t",
        ):  # fmt: skip
            assert exact in text, exact
        assert [len(before[name]) for name in (ODD, "empty", "keyless", "nothing_in", "parted")] == [5, 2, 3, 0, 2]
        with full.dump() as one, target.dump() as other:
            assert one.tables() == other.tables()
            assert one.sequences() == other.sequences()
            assert one.definition() == other.definition()
            assert one.tables()[ODD].key == ("id",)
            assert "doubled" not in one.tables()[ODD].columns
            assert one.definition().unread == ()
            assert {"serials_n_seq": "3", "alone": "86"}.items() <= one.sequences().items()
        do(target, "INSERT INTO serials DEFAULT VALUES; INSERT INTO keyless VALUES ('x')")
        do(target, f'INSERT INTO "{ODD.replace(chr(34), chr(34) * 2)}" (f) VALUES (1)')
        assert target.scalar(sa.text("SELECT max(n) FROM serials")) == 3
        assert target.scalar(sa.text("SELECT b FROM keyless WHERE a = 'x'")) == "noted"
        assert target.scalar(sa.text("SELECT current_schema()")) == "public"
        assert target.scalar(sa.text("SELECT n FROM counted")) == 5
        assert target.scalar(sa.text("SELECT has_schema_privilege('public', 'public', 'USAGE')")) is True


def test_another_schema_is_made_and_named_ones_must_be_empty(full: Database) -> None:
    with opened("postgresql") as target:
        do(target, "CREATE TABLE mine (a int)")
        assert copied(full, target, 'the "new" one') == []
        do(target, "CREATE SCHEMA taken; CREATE TYPE taken.mood AS ENUM ('a')")
        for schema in ('the "new" one', "taken", None):
            with pytest.raises(TargetNotEmpty, match="already holds"), target.load(schema):
                pass
        count = sa.text('SELECT count(*) FROM "the ""new"" one".keyless')
        assert target.scalar(count) == 3
        with target.dump() as dump:
            assert list(dump.tables()) == ["mine"]
            assert 'the "new" one.keyless' in dump.elsewhere
            assert not any("genuka" in name for name in dump.elsewhere)


def test_a_schema_of_the_name_that_is_not_ours_is_kept() -> None:
    with opened("postgresql") as target:
        do(target, "CREATE SCHEMA genuka_restoring; CREATE TABLE genuka_restoring.mine (a int)")
        with pytest.raises(TargetNotEmpty, match="not of a restore"), target.load():
            pass
        assert target.scalar(sa.text("SELECT count(*) FROM genuka_restoring.mine")) == 0


def test_a_role_that_does_not_see_every_row_is_refused(full: Database) -> None:
    do(full, "CREATE ROLE half LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO half")
    try:
        with open_database(full.url.set(username="half"), name="shop_database") as half:
            with pytest.raises(RowsHidden, match="'keyless'"), half.dump():
                pass
            do(full, "REVOKE SELECT ON serials FROM half; ALTER TABLE keyless DISABLE ROW LEVEL SECURITY")
            with pytest.raises(NotPermitted), half.dump():
                pass
    finally:
        do(full, "ALTER TABLE keyless ENABLE ROW LEVEL SECURITY; DROP OWNED BY half; DROP ROLE half")


def test_inherited_tables_are_refused_by_name() -> None:
    with opened("postgresql") as database:
        do(database, "CREATE TABLE base (a int); CREATE TABLE heir () INHERITS (base)")
        with pytest.raises(NotReadWhole, match="'heir'"), database.dump():
            pass


def test_a_table_cannot_be_emptied_under_a_dump() -> None:
    with opened("postgresql") as database:
        do(database, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        with database.dump() as dump:
            with pytest.raises(psycopg.errors.LockNotAvailable):
                do(database, "SET lock_timeout TO '50ms'; TRUNCATE t")
            assert b"".join(dump.read("t")) == b"\\N\t1\n"


def test_rows_that_point_nowhere_cost_their_foreign_key_alone() -> None:
    with opened("postgresql") as source, opened("postgresql") as target:
        do(source, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int CONSTRAINT up REFERENCES p)")
        do(source, "SET session_replication_role = replica; INSERT INTO c VALUES (7)")
        assert copied(source, target) == ["c.up"]
        assert lines_of(source) == lines_of(target)


def test_a_sequence_that_is_used_up_stays_so() -> None:
    with opened("postgresql") as source, opened("postgresql") as target:
        do(source, "CREATE SEQUENCE s MAXVALUE 2; SELECT nextval('s'), nextval('s')")
        do(source, "CREATE SEQUENCE t; SELECT setval('t', 9, false)")
        copied(source, target)
        with source.dump() as one, target.dump() as other:
            assert one.sequences() == other.sequences() == {"s": "3", "t": "9"}
        with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
            do(target, "SELECT nextval('s')")


def test_an_extension_in_the_target_stays(full: Database) -> None:
    with opened("postgresql") as target:
        do(target, "CREATE EXTENSION vector")
        assert copied(full, target) == []
        assert lines_of(target) == lines_of(full)
        with full.dump() as one, target.dump() as other:
            assert one.tables() == other.tables()
