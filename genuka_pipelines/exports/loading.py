"""An archive loaded into an empty database, and read again before anybody may see it.

A server may take a row and keep another; so what it has is read as text once more and compared, table by table,
with what the archive says it must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

from genuka_pipelines.exports.digest import TextDigest
from genuka_pipelines.exports.errors import ArchiveDamaged, NotTheSame
from genuka_pipelines.exports.workers import WORKERS, each
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.row_text import without_prefix
from genuka_pipelines.systems.scratch import made_if_missing

if TYPE_CHECKING:
    import sqlalchemy as sa

    from genuka_pipelines.exports.opening import Bag
    from genuka_pipelines.systems.dump import Load

BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Reloaded:
    """An archive in a database. `left_out` are foreign keys, views and the like that could not be made."""

    load: Load
    rows: int
    left_out: tuple[str, ...]

    @property
    def database(self) -> Database:
        """What was loaded, which nobody else is told of."""
        return self.load.quarantine


@contextmanager
def reloaded(bag: Bag, into: sa.URL) -> Iterator[Reloaded]:
    """Everything of an archive in a database that is empty or not there; gone at the end unless it is published.

    Raises TargetNotEmpty, NotRestorable, ArchiveDamaged, NotTheSame.
    """
    made_if_missing(into, "the target")
    with Database(into, name="the target") as database, database.load() as load:
        load.create(bag.definition, bag.tables)
        rows = sum(load.rows(name, one.columns, _lines(bag, name)) for name, one in bag.tables.items())
        left_out = load.finish(bag.definition, bag.tables, bag.sequences)
        load.quarantine.refresh()
        _prove(bag, load.quarantine)
        yield Reloaded(load, rows, tuple(left_out))


def load_into(bag: Bag, into: sa.URL) -> tuple[int, tuple[str, ...]]:
    """Load an archive for good: its rows, and what could not be made."""
    with reloaded(bag, into) as found:
        return found.rows, (*found.left_out, *found.load.publish())


def _lines(bag: Bag, table: str) -> Iterator[bytes]:
    """The lines of a table, whole ones to a block."""
    rest = b""
    with bag.open(f"data/restore/{table}.rows.zst") as file:
        try:
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
                while block := reader.read(BLOCK):
                    end = block.rfind(b"\n") + 1
                    if end:
                        yield rest + block[:end]
                        rest = block[end:]
                    else:
                        rest += block
        except zstandard.ZstdError:
            raise ArchiveDamaged(f"the rows of '{table}' in the archive are damaged; fetch it again") from None
    if rest:
        raise ArchiveDamaged(f"the rows of '{table}' in the archive are truncated; fetch it again")


def _prove(bag: Bag, database: Database) -> None:
    wrong: set[str] = set()
    with database.dump(WORKERS) as dump:

        def compare(name: str, worker: int) -> None:
            expected = bag.tables[name]
            digest = TextDigest(summed=expected.summed)
            with closing(dump.read(name, None, worker, columns=expected.columns, ordered=True)) as blocks:
                for block in blocks:
                    digest.update(without_prefix(block))
            if (digest.rows, digest.hex()) != (expected.rows, expected.digest):
                wrong.add(name)

        each(bag.tables, dump.workers, compare)
    if wrong:
        said = ", ".join(sorted(wrong))
        raise NotTheSame(f"the archive did not come back as it was: {said} differ; nothing of it is used")
