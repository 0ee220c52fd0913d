"""The rows of a recipe as text, without any database: light enough for a process of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import Table

from genuka_pipelines.demo.schema import tables_of
from genuka_pipelines.demo.seed.contents import of_companies, of_the_public
from genuka_pipelines.demo.seed.load.mysql import _value
from genuka_pipelines.demo.seed.load.rows import Rows, rows_of
from genuka_pipelines.demo.seed.roster import roster
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA, Recipe

AS_OF = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NOW = int(AS_OF.timestamp())

Row = dict[str, str | None]


def role(database: str) -> str:
    return database if database in (GENUKA, GENLETTER) else "tenant"


def table_of(database: str, name: str) -> Table:
    return next(table for table in tables_of(role(database)) if table.name == name)


def all_rows(recipe: Recipe) -> Iterator[Rows]:
    everyone = roster(recipe)
    for half in (of_companies(recipe, everyone), of_the_public(recipe, everyone)):
        for chunk in half:
            yield rows_of(chunk, table_of(chunk.database, chunk.table))


def parsed(rows: Rows) -> list[Row]:
    lines = bytes(rows.text).decode().split("\n")[:-1]
    return [dict(zip(rows.columns, map(_value, line.split("\t")), strict=True)) for line in lines]


def gathered(recipe: Recipe) -> dict[tuple[str, str], list[Row]]:
    """Every row of a recipe by (database, table), as text or None."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for rows in all_rows(recipe):
        made = parsed(rows)
        assert len(made) == rows.count
        found[rows.database, rows.table.name] += made
    return found


def digest_of(recipe: Recipe) -> str:
    seen = sha256()
    for rows in all_rows(recipe):
        seen.update(f"{rows.database}/{rows.table.name}/{rows.columns}".encode())
        seen.update(rows.text)
    return seen.hexdigest()


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
