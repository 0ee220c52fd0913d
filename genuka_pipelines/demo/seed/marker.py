"""The table `genuka_demo`: the proof that a database is ours to replace.

It is written before anything else and removed after everything else, so at no moment of a seeding,
even one killed midway, does a database hold our tables without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, MetaData, String, Table, Text

from genuka_pipelines.demo.schema.types import stamp
from genuka_pipelines.demo.seed.values import Recipe
from genuka_pipelines.rows.synthetic import MARKER as SYNTHETIC

LOADING, COMPLETE = "loading", "complete"

MARKER = Table(
    SYNTHETIC,
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("database_name", String(64), nullable=False),
    Column("companies", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("as_of", stamp()),
    Column("planted", Boolean, nullable=False),
    Column("state", String(20), nullable=False),
    Column("dedicated_refs", Text, nullable=False),
)


@dataclass(frozen=True)
class Marker:
    """What a marked database says of its seeding; `state` is `loading` until all of it is there."""

    companies: int
    days: int
    seed: int
    as_of: datetime
    planted: bool
    state: str
    dedicated_refs: tuple[str, ...]


def read(connection: Connection) -> Marker | None:
    """The marker of a database that has the table; None where the table is empty."""
    row = connection.execute(MARKER.select()).mappings().first()
    if row is None:
        return None
    return Marker(
        companies=row["companies"],
        days=row["days"],
        seed=row["seed"],
        as_of=row["as_of"].replace(tzinfo=UTC),
        planted=bool(row["planted"]),
        state=row["state"],
        dedicated_refs=tuple(json.loads(row["dedicated_refs"])),
    )


def write(connection: Connection, database: str, recipe: Recipe, refs: tuple[str, ...]) -> None:
    """Say that the database is being filled from this recipe, in place of what it said before."""
    MARKER.create(connection, checkfirst=True)
    connection.execute(MARKER.delete())
    connection.execute(
        MARKER.insert().values(
            id=1,
            database_name=database,
            companies=recipe.companies,
            days=recipe.days,
            seed=recipe.seed,
            as_of=recipe.as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0),
            planted=recipe.plant,
            state=LOADING,
            dedicated_refs=json.dumps(refs),
        )
    )


def complete(connection: Connection) -> None:
    """Say that all of the seeding is there."""
    connection.execute(MARKER.update().values(state=COMPLETE))
