"""A hit names its row by the very hash by which an erasure list finds it, and a table is read once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from genuka_pipelines.keys.mac import HmacKey
from genuka_pipelines.keys.secret import Secret
from genuka_pipelines.quality.scanning import Hit, scan_table
from genuka_pipelines.rows.declared import DeclaredTable, Home, declarations
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.selection import Listed
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import MissingColumn
from tests.conftest import ROUNDS
from tests.rows.shop import catalog, category
from tests.systems.opened import fill, run

KEY = HmacKey("erasure", "test", Secret(b"thirty-two bytes of a key, no mo"))
CARD = "ma carte 4111 1111 1111 1111"
_RULE = {"keep": "P1M", "since": "at", "clause": "SH-01"}


def _name(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, sa.String(60).with_variant(mysql.VARCHAR(60, **options), "mysql"))


NOTES = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("nr", sa.BigInteger),
    _name("name", charset="utf8mb4", collation="utf8mb4_bin"),
    _name("latin", charset="latin1"),
    sa.Column("fixed", sa.CHAR(26)),
    sa.Column("at", sa.DateTime),
    sa.Column("body", sa.Text),
    sa.Column("payload", sa.JSON),
    sa.Column("file_name", sa.Text),
)
LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\x1f"), max_size=20)
KEYS: dict[str, tuple[tuple[str, ...], st.SearchStrategy[dict[str, Any]]]] = {
    "a number": (("nr",), st.fixed_dictionaries({"nr": st.integers(-(2**63), 2**63 - 1)})),
    "a text": (("name",), st.fixed_dictionaries({"name": LETTERS})),
    "other character sets": (("latin",), st.fixed_dictionaries({"latin": st.text("aéÖ'\"\\%:x ", max_size=9)})),
    "several": (
        ("fixed", "nr", "name"),
        st.fixed_dictionaries({"fixed": st.text("AZ09", max_size=26), "nr": st.integers(-9, 9), "name": LETTERS}),
    ),
}


def _bound(database: Database, *key: str) -> DeclaredTable:
    declared = {"key": list(key), "columns": dict.fromkeys([*NOTES.c.keys(), "gone"], "system"), "retention": [_RULE]}
    return Home(database, declarations(catalog(notes=category({"notes": declared})), "shop_database")).table("notes")


def _found(table: DeclaredTable, row: str) -> list[tuple[Any, ...]]:
    """The keys of the rows that an erasure list with one entry finds."""
    named = where(Listed(frozenset({row}), *KEY.pads()), table)
    wanted = sa.select(*(table.column(name) for name in table.table.key)).where(named)
    return [tuple(found) for found in table.home.database.rows(wanted)]


@pytest.mark.parametrize("kind", KEYS)
@settings(max_examples=max(3, ROUNDS // 4))
@given(data=st.data())
def test_a_hit_names_the_row_that_an_erasure_list_finds(database: Database, kind: str, data: st.DataObject) -> None:
    key, drawn = KEYS[kind]
    keys = data.draw(st.lists(drawn, min_size=2, max_size=8, unique_by=lambda row: tuple(row.values())))
    planted = data.draw(st.lists(st.booleans(), min_size=len(keys), max_size=len(keys)))
    rows: list[dict[str, Any]] = [
        {**row, "body": CARD if bad else "rien"} for row, bad in zip(keys, planted, strict=True)
    ]
    fill(database, NOTES, rows)
    table = _bound(database, *key)
    hits = list(scan_table(table, "cards", KEY))
    expected = sorted(tuple(row[name] for name in key) for row in rows if row["body"] == CARD)
    found = [_found(table, hit.row) for hit in hits]
    assert all(len(rows) == 1 for rows in found), "a hash names one row"
    assert sorted(tuple(map(_unpadded, row)) for (row,) in found) == expected


def _unpadded(value: Any) -> Any:
    return value.rstrip(" ") if isinstance(value, str) and len(value) == 26 else value


def test_each_column_is_judged_by_its_form_in_one_bulk_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    belief = "Je suis catholique pratiquant."
    rows: list[dict[str, Any]] = [
        {"nr": 1, "body": CARD, "payload": {"c": "4111111111111111"}, "file_name": "carte 4111111111111111.pdf"},
        {"nr": 2, "body": belief, "payload": {"said": belief}, "file_name": belief},
        {"nr": 3},
    ]
    fill(database, NOTES, rows)
    reads = list[object]()
    stream = Database.stream

    def counted(self: Database, *given: Any, **options: Any) -> Iterator[Any]:
        reads.append(given)
        return stream(self, *given, **options)

    monkeypatch.setattr(Database, "stream", counted)
    table = _bound(database, "nr")
    assert _places(scan_table(table, "cards", KEY)) == {("body", 1), ("payload", 1), ("file_name", 1)}
    assert _places(scan_table(table, "special_categories", KEY)) == {("body", 2), ("payload", 2)}
    assert len(reads) == 2, "one for each family"
    assert _places(scan_table(table, "cards", KEY, columns=["payload"])) == {("payload", 1)}
    assert _places(scan_table(table, "cards", KEY, within=table.column("nr") > 1)) == set()
    assert _places(scan_table(table, "passwords", KEY, columns=["body"])) == {("body", 1), ("body", 2)}
    before = len(reads)
    assert list(scan_table(table, "cards", KEY, columns=["nr", "gone"])) == []
    assert list(scan_table(table, "cards", KEY, columns=[])) == []
    assert len(reads) == before, "nothing to read is not read"


def _places(hits: Iterator[Hit]) -> set[tuple[str, int]]:
    numbers = {KEY.hex(f"notes\x1f{number}".encode()): number for number in (1, 2, 3)}
    return {(hit.column, numbers[hit.row]) for hit in hits}


@pytest.mark.parametrize("key", [("nr",), ("name", "nr"), ("nr", "name")])
def test_a_row_without_a_key_is_a_hit_that_no_list_can_mean(database: Database, key: tuple[str, ...]) -> None:
    fill(database, NOTES, [{"nr": None, "name": "a", "body": CARD}, {"nr": 1, "name": "a", "body": CARD}])
    table = _bound(database, *key)
    hits = {hit.row: _found(table, hit.row) for hit in scan_table(table, "cards", KEY)}
    nameless = KEY.hex(b"notes")
    assert hits.pop(nameless) == []
    assert [len(rows) for rows in hits.values()] == [1]


def test_a_key_that_names_no_row_is_refused(database: Database) -> None:
    fill(database, NOTES, [{"nr": 1, "body": CARD}])
    with pytest.raises(UnfitColumn, match="'at' of 'notes'"):
        list(scan_table(_bound(database, "at"), "cards", KEY))
    with pytest.raises(MissingColumn, match="'gone'"):
        list(scan_table(_bound(database, "gone"), "cards", KEY))


def test_every_row_of_a_large_table_may_be_a_hit(database: Database) -> None:
    fill(database, NOTES, [])
    numbers = {"postgresql": "generate_series(1, 20000)", "mysql": "seq_1_to_20000"}[database.dialect.name]
    column = {"postgresql": "generate_series", "mysql": "seq"}[database.dialect.name]
    run(database, f"INSERT INTO notes (nr, name) SELECT {column}, concat('secret', {column}) FROM {numbers}")
    hits = list(scan_table(_bound(database, "nr"), "passwords", KEY, columns=["name"]))
    assert len({hit.row for hit in hits}) == 20_000
