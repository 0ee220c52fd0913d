"""Names from a database or a catalogue are quoted, whatever they hold; no name becomes a statement."""

from __future__ import annotations

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.rows.declared import Declaration, DeclaredTable, Home
from genuka_pipelines.rows.path import of_tenants
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.systems.database import Database
from tests.conftest import ROUNDS
from tests.rows.shop import category
from tests.systems.opened import run

_PARTS = ["'", '"', "`", ";", "--", "%", "%s", ":x", "\\", "(", " ", "é", "DROP TABLE x", "select", "$$", "{0}", "x"]
NAMES = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4).map(lambda parts: ("a" + "".join(parts) + "z")[:40])


@settings(max_examples=max(5, ROUNDS // 3))
@given(table=NAMES, column=NAMES, tenant=NAMES | st.sampled_from(["' OR '1'='1", "a' -- ", "\\' OR 1=1 -- "]))
def test_odd_names_and_values_are_only_names_and_values(
    database: Database, table: str, column: str, tenant: str
) -> None:
    found = sa.Table(table, sa.MetaData(), sa.Column(column, sa.String(60)))
    engine_rows: list[dict[str, str | None]] = [{column: tenant}, {column: "other"}, {column: None}]
    run(database, sa.schema.CreateTable(found), *(found.insert().values(row) for row in engine_rows))
    try:
        # `model_construct`: a catalogue would refuse such names; a database may have them all the same
        plain = category({"rows": {"tenant": "id", "columns": {"id": "x"}, "retention": [_RULE]}})
        declared = plain.tables["rows"].model_copy(
            update={"tenant": plain.tables["rows"].tenant.model_copy(update={"column": column})}  # type: ignore[union-attr]
        )
        changed = plain.model_copy(update={"tables": {table: declared}})
        here = Home(database, {table: Declaration("shop/odd", changed)})
        bound = DeclaredTable(here, table, changed, database.table(table))
        theirs = of_tenants(bound, lambda key: key.in_([tenant]))
        state = in_state(bound, {column: tenant})
        query = sa.select(bound.column(column).label(column)).where(theirs, state)
        assert [row for (row,) in database.rows(query)] == [tenant]
        with database.snapshot() as snapshot:
            assert snapshot.rows(query) == [(tenant,)]
        assert database.count(database.table(table)) == 3
    finally:
        run(database, sa.schema.DropTable(found))


_RULE = {"keep": "P1M", "since": "id", "clause": "SH-01"}
