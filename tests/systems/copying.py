"""A whole database dumped and loaded into another, as a restore would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dump import Definition, Dump, Load


def lines_of(database: Database) -> Mapping[str, list[bytes]]:
    """Every line of every table, in an order that says nothing."""
    with database.dump() as dump:
        return {table: sorted(b"".join(dump.read(table)).split(b"\n")[:-1]) for table in dump.tables()}


def unprefixed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""The lines without the `\N` and tab before each."""
    for block in blocks:
        yield b"".join(line[3:] for line in block.splitlines(keepends=True))


def filled(dump: Dump, load: Load, tables: Iterable[str] | None = None) -> list[str]:
    """Load a dump up to its last key; what was left out."""
    definition = Definition.read(dump.definition().lines())
    chosen = list(dump.tables()) if tables is None else list(tables)
    load.create(definition, chosen)
    for table in chosen:
        load.rows(table, dump.tables()[table].columns, unprefixed(dump.read(table)))
    return load.finish(definition, chosen, dump.sequences())


def copied(source: Database, target: Database, schema: str | None = None) -> list[str]:
    """All of one database in another; what was left out."""
    with source.dump() as dump, target.load(schema) as load:
        return [*filled(dump, load), *load.publish()]
