"""The references that a table's columns make: `order_id` names a row of orders, or the facts say what is named.

Where no foreign key is declared, as in most operational databases, the name is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.link import named_after
from genuka_pipelines.rows.path import named_by


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
    for column, owned in table.table.references.items():
        for named, target in named_by(table, owned.kind, owned.owners):
            if target.table.tenant is not None:
                key = target.column(target.table.key[0])
                own, theirs = table.home.database.dialect.alike(table.column(column), key)
                yield column, target, (theirs == own) & named
