"""What a dialect must know to be filled, and which of the two a database speaks."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, Engine, Table

from genuka_pipelines.demo.seed.errors import DatabaseRefused
from genuka_pipelines.demo.seed.load.rows import Rows


class Bulk(Protocol):
    """One dialect's fast way in."""

    def connect(self, engine: Engine) -> Connection:
        """A connection of the seeding's own, in UTC, that gives up on a lock after ten seconds."""

    def lock(self, connection: Connection) -> bool:
        """Take the database for this seeding; False where another one has it."""

    def create(self, connection: Connection, table: Table) -> None:
        """Make an empty table, without what is cheaper to build over all of its rows."""

    def load(self, connection: Connection, rows: Rows) -> int:
        """Send rows to their table and return how many arrived."""

    def index(self, connection: Connection, table: Table) -> None:
        """Build what `create` left out, after the rows."""

    def settle(self, connection: Connection, tables: tuple[Table, ...]) -> None:
        """Make counting columns go on after the highest number, and refresh statistics."""


def bulk_for(engine: Engine) -> Bulk:
    """The way into this engine's database; `DatabaseRefused` for any but the two dialects."""
    if engine.dialect.name == "postgresql" and engine.dialect.driver == "psycopg":
        from genuka_pipelines.demo.seed.load.postgres import PostgresBulk

        return PostgresBulk()
    if engine.dialect.name in ("mysql", "mariadb") and engine.dialect.driver == "pymysql":
        from genuka_pipelines.demo.seed.load.mysql import MySqlBulk

        return MySqlBulk()
    raise DatabaseRefused(
        f"A {engine.dialect.name}+{engine.dialect.driver} database cannot be seeded: "
        "use postgresql+psycopg or mysql+pymysql."
    )
