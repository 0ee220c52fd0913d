"""The columns that nearly every table has, and the one way to make a table.

Genuka declares no foreign key, so the only things a table owes to a sweep are its tenant, its
moments and the indexes on both; written here once, none of sixty tables can forget one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, MetaData, Table, text
from sqlalchemy.schema import SchemaItem

from genuka_pipelines.demo.schema.types import document, serial, stamp, ulid

NAMES = {"ix": "ix_%(table_name)s_%(column_0_N_name)s"}
_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (
        ("engine", "InnoDB"),
        ("charset", "utf8mb4"),
        ("collate", "utf8mb4_unicode_ci"),
    )
}


def table(name: str, metadata: MetaData, *items: SchemaItem) -> Table:
    """A table of the reference schema: InnoDB and utf8mb4 on MySQL, plain on PostgreSQL."""
    return Table(name, metadata, *items, **_OPTIONS)


def key() -> Column[str]:
    """The primary key of a model: a ULID."""
    return Column("id", ulid(), primary_key=True)


def counter() -> Column[int]:
    """The primary key of the few tables that count: an auto-incremented bigint."""
    return Column("id", serial(), primary_key=True, autoincrement=True)


def tenant() -> Column[str]:
    """The company that owns the row; nullable, since nothing in the database forbids a lost row."""
    return Column("company_id", ulid(), index=True)


def ref(name: str, *, index: bool = False) -> Column[str]:
    """A reference to a ULID that no foreign key guards."""
    return Column(name, ulid(), index=index)


def moment(name: str, *, index: bool = False) -> Column[datetime]:
    """A nullable moment, UTC, of second precision."""
    return Column(name, stamp(), index=index)


def stamps() -> tuple[Column[datetime], Column[datetime]]:
    """Laravel's pair; `created_at` may be set by the caller on orders and returns."""
    return moment("created_at"), moment("updated_at")


def soft_delete() -> tuple[Column[datetime], Index]:
    """The mark that hides a row from the application without removing it, and the sweep's way to it.

    Few rows bear it, so PostgreSQL indexes those alone; MySQL knows no partial index.
    """
    marked = text("deleted_at IS NOT NULL")
    return moment("deleted_at"), Index(None, "deleted_at", postgresql_where=marked)


def metadata_() -> Column[Any]:
    """The `metadata` document that most models carry."""
    return Column("metadata", document())


def index(*columns: str) -> Index:
    """A secondary index over these columns, in this order."""
    return Index(None, *columns)
