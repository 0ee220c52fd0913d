"""What goes in comes out equal, of every kind, from both servers."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import QueryFailed
from tests.systems.opened import fill, run

_MY_TEXT = mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin")
KINDS = sa.Table(
    "every kind",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column('te"x`t', sa.Text().with_variant(_MY_TEXT, "mysql")),
    sa.Column("code", sa.CHAR(8)),
    sa.Column("small", sa.SmallInteger),
    sa.Column("money", sa.Numeric(15, 2)),
    sa.Column("ratio", sa.Double),
    sa.Column("flag", sa.Boolean),
    sa.Column("plain", sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")),
    sa.Column("zoned", postgresql.TIMESTAMP(timezone=True).with_variant(mysql.TIMESTAMP(fsp=6), "mysql")),
    sa.Column("day", sa.Date),
    sa.Column("blob", sa.LargeBinary),
    sa.Column("facts", sa.JSON),
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40) | st.sampled_from(
    ["", " ", "\t", "\n", "\r\n", "\\N", "\\", '"', "'", ",", '","', "%s", "%(a)s", ":a",
     "é\u0301 🐘\U0010ffff", "NULL"]
)  # fmt: skip
_MOMENTS = st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2037, 12, 31))


def _or_none(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            'te"x`t': _or_none(_TEXTS),
            "code": _or_none(st.text("abcXYZ09é", min_size=1, max_size=8)),
            "small": _or_none(st.integers(-(2**15), 2**15 - 1)),
            "money": _or_none(st.decimals(-(10**12), 10**12, places=2)),
            "ratio": _or_none(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)),
            "flag": _or_none(st.booleans()),
            "plain": _or_none(_MOMENTS),
            "zoned": _or_none(_MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.UTC))),
            "day": _or_none(st.dates(dt.date(1000, 1, 1))),
            "blob": _or_none(st.binary(max_size=20)),
            "facts": _or_none(st.dictionaries(_TEXTS, _TEXTS | st.integers(-9, 9), max_size=3)),
        }
    ),
    max_size=15,
)


def _out(database: Database, **options: int) -> list[dict[str, Any]]:
    query = sa.select(database.table(KINDS.name)).order_by("id")
    return [row for batch in database.stream(query, **options) for row in batch.to_pylist()]


@given(rows=ROWS)
def test_what_goes_in_comes_out(database: Database, rows: list[dict[str, Any]]) -> None:
    rows = [{"id": number, **row} for number, row in enumerate(rows)]
    fill(database, KINDS, rows)
    found = _out(database, batch_rows=7)
    for given_row, row in zip(rows, found, strict=True):
        facts, given_facts = row.pop("facts"), given_row["facts"]
        assert (None if facts is None else json.loads(facts)) == given_facts
        plain = given_row["plain"] and given_row["plain"].replace(tzinfo=dt.UTC)
        assert row == {**{k: v for k, v in given_row.items() if k != "facts"}, "plain": plain}


def test_batches_are_bounded_and_typed_and_none_come_from_nothing(database: Database) -> None:
    fill(database, KINDS, [])
    assert _out(database) == []
    fill(database, KINDS, [{"id": number} for number in range(10)])
    batches = list(database.stream(sa.select(database.table(KINDS.name).c.id), batch_rows=4))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert batches[0].schema == pa.schema([("id", pa.int64())])


def test_wide_rows_make_small_batches(database: Database) -> None:
    fill(database, KINDS, [{"id": number, 'te"x`t': "x" * 2_000_000} for number in range(12)])
    sizes = [batch.nbytes for batch in database.stream(sa.select(database.table(KINDS.name)))]
    assert sum(sizes) > 24_000_000
    assert max(sizes) < 13_000_000


def test_every_batch_of_a_snapshot_sees_the_same_rows(database: Database) -> None:
    fill(database, KINDS, [{"id": number} for number in range(5)])
    table = database.table(KINDS.name)
    counted = sa.select(sa.func.count().label("n")).select_from(table)
    with database.snapshot() as snapshot:
        assert snapshot.rows(counted) == [(5,)]
        run(database, KINDS.delete())
        assert sum(batch.num_rows for batch in snapshot.stream(sa.select(table.c.id))) == 5
    assert database.count(table) == 0


def test_a_date_that_is_no_date_comes_out_as_unknown(database: Database) -> None:
    fill(database, KINDS, [])
    if database.dialect.name == "postgresql":
        run(database, f"INSERT INTO \"{KINDS.name}\" (id, zoned, day) VALUES (1, 'infinity', '-infinity')")
    else:
        run(database, "SET sql_mode = ''", f"INSERT INTO `{KINDS.name}` (id, zoned, day) VALUES (1, 0, 0)")
    (row,) = _out(database)
    assert (row["zoned"], row["day"]) == (None, None)


def test_an_unsigned_key_keeps_its_upper_half(database: Database) -> None:
    if database.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has no unsigned integers")
    run(database, "CREATE TABLE big (id bigint unsigned)", "INSERT INTO big VALUES (18446744073709551615)")
    assert database.stream(sa.select(database.table("big"))).__next__().to_pylist() == [{"id": 2**64 - 1}]


def test_a_failure_in_the_middle_of_a_stream_is_one_sentence(database: Database) -> None:
    fill(database, KINDS, [{"id": number, "code": "secret"} for number in range(40)])
    table = database.table(KINDS.name)
    broken = sa.cast(table.c.code, sa.Text)
    if database.dialect.name == "postgresql":
        query = sa.select(sa.case((table.c.id < 30, 1), else_=sa.cast(broken, sa.Integer)).label("n"))
    else:
        query = sa.select(sa.type_coerce(sa.case((table.c.id < 30, "1"), else_=broken), sa.Integer).label("n"))
    with pytest.raises(QueryFailed) as caught:
        list(database.stream(query, batch_rows=10))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert database.count(table) == 40
