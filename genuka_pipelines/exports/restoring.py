"""What makes an empty database hold the tenant's rows again: the definition of its tables without their secrets.

A password that is left out must not keep its row from coming back, so such columns may be empty in the copy; what
speaks of the platform alone (its views, its triggers, its other tables) stays with the platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.systems.dump import Definition, Statement

if TYPE_CHECKING:
    from genuka_pipelines.exports.choosing import Choice, ChosenTable, Source
    from genuka_pipelines.systems.database import Database
    from genuka_pipelines.systems.dump import Dump

_PARTITIONS = re.compile(r"\n(/\*![0-9]+)? ?PARTITION BY +(LIST|RANGE).*", re.DOTALL)
_BOUND = re.compile(r" PARTITION OF .* FOR VALUES (IN|FROM) | PARTITION OF [^ ]+ DEFAULT")
_DIVIDED = re.compile(r"\) PARTITION BY (LIST|RANGE) ")
_OWNED = """
    SELECT s.relname, t.relname, a.attname FROM pg_class s
      JOIN pg_namespace n ON n.oid = s.relnamespace AND n.nspname = current_schema()
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
      JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
     WHERE s.relkind = 'S' ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Restorable:
    """The definition of an archive's tables, the next value of each sequence, and foreign keys that lead outside."""

    definition: Definition
    sequences: Mapping[str, str]
    outside: tuple[str, ...]


def restorable(choice: Choice, dumps: Mapping[Source, Dump]) -> Restorable:
    """What to write into the archive of a choice."""
    statements: list[Statement] = []
    sequences: dict[str, str] = {}
    product, version = None, ""
    for source, dump in dumps.items():
        mine = {name: table for name, table in choice.tables.items() if table.first is source}
        given = dump.definition()
        product, version = product or given.product, version or given.version
        wanted = list(_statements(given, source, mine))
        if not source.own:
            wanted = list(unpartitioned(wanted, source.home.database))
        statements += [one for one in wanted if one not in statements]
        sequences |= _sequences(source, mine, dump)
    if product is None:
        raise ValueError("a choice has a source")
    outside = [one for one in statements if one.phase == "foreign_keys" and one.parent not in choice.tables]
    kept = tuple(one for one in statements if one not in outside)
    return Restorable(Definition(product, version, kept), sequences, tuple(sorted(one.shown for one in outside)))


def _statements(given: Definition, source: Source, mine: Mapping[str, ChosenTable]) -> Iterator[Statement]:
    for one in given.statements:
        if one.table in mine or (not one.table and (source.own or one.phase in ("types", "functions"))):
            yield one if source.own or one.phase != "functions" else replace(one, optional=True)
        if one.phase == "tables" and one.table in mine and one.name == one.table:
            yield from _emptied(source.home.database, mine[one.table])


def unpartitioned(statements: list[Statement], database: Database) -> Iterator[Statement]:
    """The same tables without partitions by list or range, whose bounds and names may be other tenants' keys.

    PostgreSQL needs one that takes every row; partitions by hash have bounds that say nothing.
    """
    if database.dialect.name == "mysql":
        for one in statements:
            yield replace(one, sql=_PARTITIONS.sub("", one.sql)) if one.phase == "tables" else one
        return
    quoted = database.url.get_dialect()().identifier_preparer.quote
    parts = {one.name for one in statements if one.phase == "tables" and _BOUND.search(one.sql)}
    for one in statements:
        if (one.phase == "tables" and one.name in parts) or any(_works_on(quoted(part), one.sql) for part in parts):
            continue
        yield one
        if one.phase == "tables" and one.name == one.table and _DIVIDED.search(one.sql):
            every = f"CREATE TABLE {quoted(one.table[:50] + '__all')} PARTITION OF {quoted(one.table)} DEFAULT"
            yield Statement("tables", f"{one.table[:50]}__all", every, one.table)


def _works_on(part: str, sql: str) -> bool:
    return any(f"{word} {part} " in sql for word in ("ALTER TABLE", "CREATE TABLE", "PARTITION OF", " ON", "ON ONLY"))


def _emptied(database: Database, table: ChosenTable) -> Iterator[Statement]:
    """That the columns which are left out may be empty."""
    quoted = database.url.get_dialect()().identifier_preparer.quote
    for name, declared in database.tables()[table.name].items():
        if name in table.columns:
            continue
        change = f"ALTER COLUMN {quoted(name)} DROP NOT NULL, ALTER COLUMN {quoted(name)} DROP DEFAULT"
        if database.dialect.name == "mysql":
            change = f"MODIFY COLUMN {quoted(name)} {declared} NULL DEFAULT NULL"
        yield Statement("tables", f"{name} is left out", f"ALTER TABLE {quoted(table.name)} {change}", table.name)


def _sequences(source: Source, mine: Mapping[str, ChosenTable], dump: Dump) -> dict[str, str]:
    """Where each goes on: after the highest of the tenant's own keys, so that nothing tells how many others have.

    MySQL counts on by itself. A sequence that no column owns is given where the whole database is the tenant's.
    """
    database = source.home.database
    if database.dialect.name == "mysql":
        return {}
    with database.connected() as connection:
        owned = {str(name): (str(table), str(column)) for name, table, column in connection.exec_driver_sql(_OWNED)}
    found = {name: following for name, following in dump.sequences().items() if source.own and name not in owned}
    for name, (table, column) in owned.items():
        if table in mine and column in mine[table].columns:
            of, within = database.table(table), source.mine(table)
            query = sa.select(sa.func.max(of.c[column]))
            ((highest,),) = dump.ask(query if within is None else query.where(within))
            if highest is not None:
                found[name] = str(int(highest) + 1)
    return found
