"""Does every row belong to a tenant, and to one only?

Shared storage is partitioned by nothing but a column; a row without a tenant, or one that points at
another tenant's row, is where the partition leaks.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from genuka_pipelines.catalog.answer import Answer, none_found
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.rows.databases import Homes, expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.rows.references import references


def ask(asked: Asked) -> Answer:
    """No for rows without a tenant, of an unknown tenant, or that refer to another tenant's rows."""
    homes = asked.homes()
    known = frozenset(homes.tenants)
    counts: dict[str, int | None] = {}
    for table, declared in asked.category.tables.items():
        if declared.tenant is None:
            continue
        for found in _tables(homes, table, counts):
            for what, number in _count(found, known):
                counts[what] = _sum(counts.get(what, 0), number)
        if homes.unknown and expected_in_dedicated(homes.shared, table):
            counts[table] = None
    return none_found(counts)


def _tables(homes: Homes, name: str, counts: dict[str, int | None]) -> Iterator[DeclaredTable]:
    for home in (homes.shared, *homes.dedicated.values()):
        if home is homes.shared or home.has(name):
            try:
                yield home.table(name)
            except GenukaError:
                counts[name] = None


def _count(found: DeclaredTable, known: frozenset[str]) -> Iterator[tuple[str, int | None]]:
    database, name = found.home.database, found.name
    try:
        tenant = tenant_of(found)
        own = _own_column(found)
        if found.home.tenant is None:
            # A row that finds its tenant through a parent is of a known one if the parent is.
            stray = tenant.is_(None) if own is None else sa.or_(tenant.is_(None), tenant.not_in(sorted(known)))
            yield f"{name}.without_tenant", database.scalar(_rows(found).where(stray))
        elif own is not None:
            foreign = sa.or_(own.is_(None), own != found.home.tenant)
            yield f"{name}.of_another", database.scalar(_rows(found).where(foreign))
        for column, target, joined in references(found):
            crossing = tenant_of(target) != tenant
            query = _rows(found, target, joined).where(crossing)
            yield f"{name}.{column}.crossing", database.scalar(query)
    except GenukaError:
        yield name, None


def _own_column(found: DeclaredTable) -> sa.ColumnElement[str] | None:
    path = found.table.tenant
    if path is None or path.column is None or path.parent or path.owners:
        return None
    return found.column(path.column)


def _rows(
    found: DeclaredTable, target: DeclaredTable | None = None, joined: sa.ColumnElement[bool] | None = None
) -> sa.Select[int]:
    source = found.sql if target is None or joined is None else found.sql.join(target.sql, joined)
    return sa.select(sa.func.count()).select_from(source)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
