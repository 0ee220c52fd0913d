"""The operational schema of Genuka and Genletter, as the public API and the policies imply it.

It is the thing on which every promise is tried. Were it tidier than the real one (foreign keys,
one spelling, a company in every table), the pipelines would keep their promises only here.
"""

from __future__ import annotations

from sqlalchemy import MetaData, Table

from genuka_pipelines.demo.schema import (
    billing,
    browsing,
    catalogue,
    companies,
    genletter,
    marketing,
    media,
    money,
    orders,
    people,
    recruitment,
)
from genuka_pipelines.demo.schema.databases import GENLETTER, PLATFORM, TENANT

__all__ = ["GENLETTER", "PLATFORM", "TENANT", "tables_of"]

# Naming the modules keeps their tables registered whatever an import sorter thinks of them.
_ROOMS = (
    billing,
    browsing,
    catalogue,
    companies,
    genletter,
    marketing,
    media,
    money,
    orders,
    people,
    recruitment,
)

_HELD: dict[str, tuple[MetaData, ...]] = {
    "genuka": (PLATFORM, TENANT),
    "tenant": (TENANT,),
    "genletter": (GENLETTER,),
}


def tables_of(role: str) -> tuple[Table, ...]:
    """The tables of a database by its role (`genuka`, `tenant`, `genletter`), by name."""
    held = [table for metadata in _HELD[role] for table in metadata.tables.values()]
    return tuple(sorted(held, key=lambda table: table.name))
