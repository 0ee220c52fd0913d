"""Whose each row of a table is, in the form that costs a server least: parents are joined where that changes nothing.

A key looked up for every row took five times as long as a read without it, a join twice. But a parent
that a row could find twice would give it twice, so only a primary key that is compared as it stands is joined by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.rows.path import parent, tenant_of
from genuka_pipelines.systems.column_types import PlainText, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.systems.dump import Shape


@dataclass(frozen=True, eq=False)
class Whose:
    """The expression that says whose a row is; `of` is the table with what it is joined to, None for itself alone."""

    tenant: sa.ColumnElement[Any]
    of: sa.FromClause | None = None


def whose(table: DeclaredTable, shapes: Mapping[str, Shape]) -> Whose:
    """As `tenant_of`, of the same rows."""
    nearest, joined = table, table.sql
    seen = {table.name}
    while nearest.home.tenant is None and (path := nearest.table.tenant) and path.column and path.parent not in seen:
        if not path.parent or not nearest.home.has(path.parent):
            break
        above = parent(nearest, path.parent)
        mine, theirs = nearest.column(path.column), above.column(path.key)
        if path.parent not in shapes or shapes[path.parent].key != (path.key,) or not _one_at_most(mine, theirs):
            break
        joined = joined.outerjoin(above.sql, mine == theirs)
        nearest = above
        seen.add(path.parent)
    return Whose(tenant_of(nearest), joined if nearest is not table else None)


def _one_at_most(mine: sa.ColumnElement[Any], key: sa.ColumnElement[Any]) -> bool:
    """Whether a value finds at most one row by a primary key: both are compared as the key itself is."""
    if kind_of(mine) == kind_of(key) == "integer":
        return True
    one, other = mine.type, key.type
    if not isinstance(one, PlainText) or not isinstance(other, PlainText) or not (one.native and other.native):
        return False
    return one.kind == other.kind == "text" and one.collation == other.collation
