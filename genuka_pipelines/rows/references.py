"""The references that a table's columns make by their names: `order_id` names a row of orders.

Where no foreign key is declared, as in most operational databases, the name is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.link import named_after


def references(table: DeclaredTable) -> Iterator[tuple[str, DeclaredTable, sa.ColumnElement[bool]]]:
    """(column, the tenants' table it names under an alias, how to join it), within one database."""
    for name, declaration in table.home.declared.items():
        declared = declaration.category.tables[name]
        column = named_after(name, table)
        if column is None or declared.tenant is None or len(declared.key) > 1 or not table.home.has(name):
            continue
        target = table.home.table(name).aliased()
        own, theirs = table.home.database.dialect.alike(table.column(column), target.column(declared.key[0]))
        yield column, target, theirs == own
