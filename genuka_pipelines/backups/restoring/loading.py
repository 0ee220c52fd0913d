"""Puts the rows of a plan into quarantine, and proves by reading them again that they are what was backed up.

A server may take a row and keep another: a lost time zone, a truncated text. What it has is therefore read
as text once more and compared, table by table, with what the source had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.backups.digest import Digest, RowHasher
from genuka_pipelines.backups.errors import NotTheSame
from genuka_pipelines.backups.restoring.filling import Filling
from genuka_pipelines.backups.restoring.plan import Expected, Plan, Target
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.scratch import answers, made_if_missing

if TYPE_CHECKING:
    from genuka_pipelines.backups.restoring.reading import Backup, Run
    from genuka_pipelines.rows.declared import Home
    from genuka_pipelines.systems.dump import Definition, Load


_NOBODY = b"\\N\t"


@dataclass
class Loaded:
    """One place in quarantine. `left_out` names foreign keys to tables or rows that are not restored here."""

    load: Load
    definition: Definition = field(repr=False)
    rows: Counter[str] = field(default_factory=Counter)
    left_out: tuple[str, ...] = ()

    @property
    def database(self) -> Database:
        """What was loaded."""
        return self.load.quarantine


@contextmanager
def loaded(plan: Plan, backups: Sequence[Backup], into: Mapping[str, Target]) -> Iterator[Mapping[str, Loaded]]:
    """Every place of a plan in quarantine, with keys and sequences; discarded at the end, unless published.

    Raises TargetNotEmpty, NotRestorable, and NotTheSame where a backup does not give back what it holds.
    """
    with ExitStack() as stack:
        found: dict[str, Loaded] = {}
        for name, place in plan.places.items():
            database = stack.enter_context(Database(into[name].url, name=place.where.system))
            if not answers(database):
                made_if_missing(into[name].url, "the restore's target")
            definition = backups[place.defined_by].definition(place.where)
            load = stack.enter_context(database.load(into[name].schema))
            load.create(definition, place.tables)
            found[name] = Loaded(load, definition)
        for number, backup in enumerate(backups):
            _fill(plan, backup, number, found)
        for name, place in plan.places.items():
            one = found[name]
            one.left_out = tuple(one.load.finish(one.definition, place.tables, place.sequences))
            one.database.refresh()
        yield found


def _fill(plan: Plan, backup: Backup, number: int, found: Mapping[str, Loaded]) -> None:
    names = {place.where: name for name, place in plan.places.items() if number in place.of}
    wanted = [(where, table) for where, table in backup.tables() if where in names]

    def load(run: Run, blocks: Iterator[bytes]) -> None:
        one = found[names[run.where]]
        one.rows[run.table] += one.load.rows(run.table, run.columns, blocks)

    filling = Filling(load)
    for run in backup.rows(wanted):
        filling.add(run)
    filling.finish()


def prove(plan: Plan, name: str, one: Loaded, home: Home, row_key: bytes, tenant: str | None) -> None:
    """Read a loaded place again and compare; NotTheSame names the tables. `tenant` is whose all is, if one's."""
    hasher, wrong = RowHasher(row_key), []
    with one.database.dump() as dump:
        for table, expected in plan.places[name].tables.items():
            prefix = _prefix(plan, home, table, tenant)
            if _added_up(hasher, dump.read(table, prefix)) != expected:
                wrong.append(table)
    if wrong:
        raise NotTheSame(f"{name} was not restored as it was: {', '.join(wrong)} differ; nothing of it can be used")


def copied(one: Loaded, table: str, sequences: Mapping[str, str], into: Load) -> list[str]:
    """Publish one table of a place that passed, elsewhere and alone; what was left out, its foreign keys above all."""
    into.create(one.definition, [table])
    with one.database.dump() as dump:
        into.rows(table, dump.tables()[table].columns, map(_without_prefix, dump.read(table)))
    return [*into.finish(one.definition, [table], sequences), *into.publish()]


def _without_prefix(block: bytes) -> bytes:
    """Lines that were led by no owner."""
    return b"".join(line[len(_NOBODY) :] for line in block.splitlines(keepends=True))


def _prefix(plan: Plan, home: Home, table: str, tenant: str | None) -> sa.ColumnElement[Any] | None:
    """What led each row when it was read: its owner, whom a restore of everyone has to find in the rows again."""
    if plan.scope != "everything" or home.tenant is not None:
        found = home.tenant or tenant
        return None if found is None else sa.literal(found, sa.Text)
    if table not in home.declared or home.tenants is None:
        return None
    return tenant_of(home.table(table))


def _added_up(hasher: RowHasher, blocks: Iterator[bytes]) -> Expected:
    rows, digest = 0, Digest()
    for block in blocks:
        lines = block.split(b"\n")
        lines.pop()
        rows += len(lines)
        digest += Digest.of(hasher.hashes(lines))
    return Expected(rows, digest)
