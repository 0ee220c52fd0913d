"""The hash that a database computes is Python's, and its key shows nowhere."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dialect import hmac_sha256
from tests.systems.opened import fill, run

KEY = b"a key of thirty-two bytes, no mo"
PADS = bytes(b ^ 0x36 for b in KEY.ljust(64, b"\0")), bytes(b ^ 0x5C for b in KEY.ljust(64, b"\0"))
NAMES = sa.Table(
    "names",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql")),
    sa.Column("latin", sa.String(9).with_variant(mysql.VARCHAR(9, charset="latin1"), "mysql")),
)


def _python(text: str | None) -> str | None:
    return None if text is None else hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


@given(names=st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=20))
def test_it_equals_pythons(database: Database, names: list[str | None]) -> None:
    fill(database, NAMES, [{"id": number, "name": name} for number, name in enumerate(names)])
    table = database.table("names")
    keyed = hmac_sha256(database.dialect, table.c.name, *PADS).label("keyed")
    query = sa.select(keyed).order_by(table.c.id)
    expected = [_python(name) for name in names]
    assert [found for (found,) in database.rows(query)] == expected
    with database.snapshot() as snapshot:
        assert [found for (found,) in snapshot.rows(query)] == expected


def test_it_reads_characters_and_numbers_whatever_the_column_holds(database: Database) -> None:
    fill(database, NAMES, [{"id": 7, "latin": "café"}])
    table = database.table("names")
    keyed = [hmac_sha256(database.dialect, column, *PADS) for column in (table.c.latin, table.c.id)]
    assert database.rows(sa.select(*keyed)) == [(_python("café"), _python("7"))]


def test_the_key_shows_nowhere(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    fill(database, NAMES, [{"id": 1, "name": "a"}])
    table = database.table("names")
    keyed = hmac_sha256(database.dialect, table.c.name, *PADS)
    caplog.set_level(logging.DEBUG)
    said = [repr(keyed), str(keyed), repr(keyed.compile().params)]
    wrong: Any = sa.select(keyed.label("keyed"), sa.literal_column("nothing_like_it").label("n"))
    for read in (database.rows, lambda query: list(database.stream(query))):
        with pytest.raises(GenukaError) as caught:
            read(wrong)
        said.append(str(caught.value))
    said += [record.getMessage() for record in caplog.records]
    for text in said:
        for secret in (KEY, *PADS):
            assert secret.hex() not in text
            assert repr(secret)[2:-1] not in text


def test_a_bulk_read_keeps_the_key_out_of_the_statement_that_others_see(database: Database) -> None:
    fill(database, NAMES, [{"id": number, "name": "x" * 200} for number in range(5000)])
    table = database.table("names")
    statements = {
        "postgresql": "SELECT query FROM pg_stat_activity WHERE query LIKE '%names%' AND pid <> pg_backend_pid()",
        "mysql": "SELECT info FROM information_schema.processlist WHERE info LIKE '%names%' AND id <> connection_id()",
    }
    many = table.join(table.alias("other"), sa.literal_column("1") == sa.literal_column("1"))
    query = sa.select(hmac_sha256(database.dialect, table.c.name, *PADS).label("n")).select_from(many)
    seen: list[str] = []
    with database.snapshot() as snapshot:
        stream: Any = snapshot.stream(query, batch_rows=10)
        next(stream)
        seen = [text for (text,) in database.rows(sa.select(sa.text(statements[database.dialect.name][7:])))]
        stream.close()
    assert seen
    assert not any(PADS[0].hex() in text.lower() or repr(PADS[0])[2:-1] in text for text in seen)
    run(database, NAMES.delete())
