"""A table and columns that nobody declared, as a hurried migration leaves them."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, text

from genuka_pipelines.demo.seed.plant.bed import Bed
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA

TABLE = "tmp_export_2023"
_COLUMNS = (
    (GENUKA, "users", "mother_name"),
    (GENUKA, "job_applications", "religion"),
    (GENLETTER, "accounts", "card_last_digits"),
)


def plant(bed: Bed) -> None:
    """One table with a person in it, and one column more in three tables."""
    base, person = bed.bases[GENUKA], bed.person()
    made = Table(
        TABLE,
        MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("email", String(255)),
        Column("exported_at", DateTime),
    )
    made.create(base.connection)
    base.connection.execute(made.insert().values(id=1, email=person["email"], exported_at=bed.ago(400)))
    bed.counted(TABLE)
    bed.note("undeclared_table", GENUKA, TABLE, "", "")
    for database, table, column in (
        *_COLUMNS,
        *((ref, "customers", "nickname") for ref in bed.dedicated[:1]),
    ):
        quote = bed.bases[database].connection.dialect.identifier_preparer.quote
        bed.bases[database].connection.execute(
            text(f"ALTER TABLE {quote(table)} ADD COLUMN {quote(column)} VARCHAR(255)")
        )
        bed.note("undeclared_column", database, table, "", column)
