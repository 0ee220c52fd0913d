"""The references that a table's columns make by their names: `order_id` names a row of orders.

Where no foreign key is declared, as in most operational databases, the name is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.link import _named_after as named_after
from genuka_pipelines.systems.column_types import as_text


def references(table: DeclaredTable) -> Iterator[tuple[str, DeclaredTable, sa.ColumnElement[bool]]]:
    """(column, the tenants' table it names under an alias, how to join it), within one database."""
    for name, declaration in table.home.declared.items():
        declared = declaration.category.tables[name]
        column = named_after(name, table)
        if column is None or declared.tenant is None or len(declared.key) > 1 or not table.home.has(name):
            continue
        target = table.home.table(name).aliased()
        own, theirs = table.column(column), target.column(declared.key[0])
        yield (
            column,
            target,
            as_text(own) == as_text(theirs) if type(own.type) is not type(theirs.type) else own == theirs,
        )
