"""Who the tenants of a database are, where each lives, and what each agreed to at a moment.

A tenant whose database is forgotten keeps its data for ever, and one whose refusal is forgotten is
analysed against its will; both are read from the operator's own tables, never remembered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

import sqlalchemy as sa

from genuka_pipelines.catalog.processor import Tenants
from genuka_pipelines.rows.errors import NotATenantOfOurs
from genuka_pipelines.systems.column_types import as_text
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import MissingColumn

Mode = Literal["shared", "dedicated"]


@dataclass(frozen=True)
class Tenant:
    """`ref` names the secret that opens a dedicated database; `agreed` are purposes opted in to."""

    id: str
    mode: Mode = "shared"
    ref: str | None = None
    agreed: frozenset[str] = field(default=frozenset())


def tenants_of(declared: Tenants, database: Database, as_of: datetime) -> Mapping[str, Tenant]:
    """Every tenant by id, also those that only the register of databases knows, as of a moment."""
    found = {tenant: Tenant(tenant) for (tenant,) in _rows(database, declared.table, declared.key)}
    agreed = _agreed(declared, database, as_of.astimezone(UTC))
    modes: dict[str, tuple[Mode, str | None]] = {}
    if declared.registry:
        columns = (declared.registry_tenant, declared.mode, declared.dsn)
        for tenant, mode, ref in _rows(database, declared.registry, *columns, where=_standing(declared, database)):
            known = (mode or "shared").lower()
            if known not in ("shared", "dedicated"):
                raise NotATenantOfOurs(
                    f"column '{declared.mode}' of '{declared.registry}' in {database.name} has a value that "
                    "is neither 'shared' nor 'dedicated'; correct it"
                )
            modes[tenant] = (cast("Mode", known), ref or None)
    return {
        tenant: Tenant(tenant, *modes.get(tenant, ("shared", None)), frozenset(agreed.get(tenant, ())))
        for tenant in sorted({*found, *modes})
    }


def _standing(declared: Tenants, database: Database) -> sa.ColumnElement[bool] | None:
    """Databases that were not dropped: nobody looks for the others again."""
    if declared.registry is None or declared.dropped is None:
        return None
    return _column(database, database.table(declared.registry), declared.dropped).is_(None)


def _agreed(declared: Tenants, database: Database, as_of: datetime) -> dict[str, set[str]]:
    if not declared.consents:
        return {}
    table = database.table(declared.consents)
    granted, withdrawn = (
        _column(database, table, name) for name in (declared.consents_granted, declared.consents_withdrawn)
    )
    stands = (granted <= as_of) & (withdrawn.is_(None) | (withdrawn > as_of))
    agreed: dict[str, set[str]] = {}
    for tenant, purpose in _rows(
        database, declared.consents, declared.consents_tenant, declared.consents_purpose, where=stands
    ):
        agreed.setdefault(tenant, set()).add(purpose)
    return agreed


def _rows(
    database: Database, name: str, *columns: str, where: sa.ColumnElement[bool] | None = None
) -> list[tuple[Any, ...]]:
    """Rows as text, without those whose tenant is missing."""
    table = database.table(name)
    read = [_column(database, table, column) for column in columns]
    query = sa.select(*(as_text(column) for column in read)).where(read[0].is_not(None))
    return [tuple(row) for row in database.rows(query if where is None else query.where(where))]


def _column(database: Database, table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    if name not in table.c:
        raise MissingColumn(
            f"table '{table.name}' of {database.name} ({database.place}) has no column '{name}', by which "
            "the system's declaration finds its tenants; correct the declaration"
        )
    return table.c[name]
