"""One table read once, in the order of its keys, into every form it has in the archive.

The text of the rows is cut into ranges; each is a part by itself, kept under the digest of its text. A run after a
killed one reads the rows again, since nobody else can say whether they changed, and makes only what is new.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from genuka_pipelines.exports.digest import TextDigest
from genuka_pipelines.exports.errors import NotDescribed
from genuka_pipelines.exports.forms import csv, ndjson
from genuka_pipelines.exports.forms.packed import LEVELS, gzipped, zipped
from genuka_pipelines.exports.forms.texts import columns_of
from genuka_pipelines.exports.work import File, Work, write
from genuka_pipelines.systems.row_text import Field, fields, schema, typed, without_prefix

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from genuka_pipelines.exports.choosing import ChosenTable, Source
    from genuka_pipelines.systems.dump import Dump

RANGE_BYTES = 2 << 20
"""A range of rows ends at the first whole block beyond: what reading a table holds in memory, a few times over."""
_AHEAD = 2
"""Ranges whose forms are being made while the next is read."""
FORMS = ("rows.zst", "csv.gz", "ndjson.gz")
Progress = Callable[[str, int], None]
"""Told of each table as it grows: its name, and rows so far. Called from several threads."""


@dataclass(eq=False)
class TableRead:
    """A table of the archive: its fields, its primary key, and the files of each form, one after the other.

    `digest` is that of the rows' text, `summed` or not: see TextDigest. `without_type` counts values of columns
    that only the text holds.
    """

    name: str
    category: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    rows: int = 0
    bytes: int = 0
    digest: str = ""
    summed: bool = False
    files: dict[str, list[File]] = field(default_factory=lambda: {form: [] for form in FORMS})
    parquet: File | None = None
    without_type: dict[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a line."""
        return tuple(one.name for one in self.fields)


class _Sink:
    """A file as Arrow wants one to write to."""

    closed = False

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._at = out, 0

    def write(self, data: Any) -> int:
        """Pass bytes on."""
        taken = memoryview(data)
        self._at += taken.nbytes
        return self._out.write(taken)

    def tell(self) -> int:
        """How much was written."""
        return self._at

    def flush(self) -> None:
        """Nothing: the file below is flushed at its end."""

    def close(self) -> None:
        """Nothing: the file below is closed by whoever opened it."""


Opened = tuple["Source", "Dump", int]
"""A database, its snapshot, and the worker that may read it."""


def read_table(
    table: ChosenTable, opened: list[Opened], work: Work, progress: Progress, pool: ThreadPoolExecutor
) -> TableRead:
    """Read a table out of every database that has rows of it; `pool` makes the forms, and waits for nobody.

    NotDescribed where those databases differ in their columns.
    """
    found = _described(table, opened)
    folder, kept = work.folder("tables", table.name), set[str]()
    digest = TextDigest(summed=found.summed)

    def content(out: BinaryIO) -> None:
        import pyarrow.parquet as pq

        making: deque[Future[_Made]] = deque()
        with pq.ParquetWriter(_Sink(out), schema(found.fields), compression="zstd") as parquet:
            for number, rows in enumerate(_ranges(table, opened, found.columns)):
                digest.update(rows)
                found.rows = digest.rows
                found.bytes += len(rows)
                name = _part_name(found, rows, number)
                kept.add(name)
                making.append(pool.submit(_made, found.fields, rows, work, folder, name))
                if len(making) > _AHEAD:
                    _take(found, making.popleft().result(), parquet)
                progress(table.name, found.rows)
            while making:
                _take(found, making.popleft().result(), parquet)

    found.parquet = write(work.folder("parquet") / f"{table.name}.parquet", content)
    found.digest = digest.hex()
    for path in folder.iterdir():
        if path.name.partition(".")[0] not in kept:
            path.unlink()
    return found


def _described(table: ChosenTable, opened: list[Opened]) -> TableRead:
    source, dump, _ = opened[0]
    shape = dump.tables()[table.name]
    columns = tuple(column for column in shape.columns if column in table.columns)
    for other, its, _ in opened[1:]:
        if tuple(column for column in its.tables()[table.name].columns if column in table.columns) != columns:
            raise NotDescribed(
                f"table '{table.name}' has other columns in {other.home.database.name} than in "
                f"{source.home.database.name}; bring both to the same"
            )
    if not columns:
        raise NotDescribed(f"table '{table.name}' has no column that may be exported; declare what it holds")
    described = fields(source.home.database, table.name, columns)
    return TableRead(table.name, table.category, described, shape.key, summed=len(opened) > 1)


def _ranges(table: ChosenTable, opened: list[Opened], columns: tuple[str, ...]) -> Iterator[bytes]:
    for source, dump, worker in opened:
        parts: list[bytes] = []
        size = 0
        blocks = dump.read(table.name, None, worker, where=source.mine(table.name), columns=columns, ordered=True)
        # Closed at once on an error: an open read keeps its transaction in the source.
        with closing(blocks):
            for block in blocks:
                parts.append(without_prefix(block))
                size += len(parts[-1])
                if size >= RANGE_BYTES:
                    yield b"".join(parts)
                    parts, size = [], 0
        if parts:
            yield b"".join(parts)


def _part_name(found: TableRead, rows: bytes, number: int) -> str:
    """What a part is known by: its place, and all that its bytes are made of."""
    heading = repr([LEVELS, *((one.name, one.kind, str(one.type)) for one in found.fields)]).encode()
    return f"{number:05d}-{hashlib.sha256(heading + rows).hexdigest()}"


@dataclass(frozen=True, eq=False, slots=True)
class _Made:
    """The files of a range in its forms, its rows for Parquet, and by column how many values only its text holds."""

    files: dict[str, File]
    batch: pa.RecordBatch
    lost: dict[str, int]


def _made(of: tuple[Field, ...], rows: bytes, work: Work, folder: Path, name: str) -> _Made:
    import pyarrow as pa

    batch, lost = typed(rows, of)
    columns = cache(lambda: columns_of(batch, of))
    forms: dict[str, Callable[[BinaryIO], object]] = {
        "rows.zst": lambda out: out.write(zipped(rows)),
        "csv.gz": lambda out: out.write(gzipped(csv.lines(columns(), batch.num_rows))),
        "ndjson.gz": lambda out: out.write(gzipped(ndjson.lines(columns(), batch.num_rows))),
    }
    made = _Made(work.part(folder, name, forms), batch, lost)
    columns.cache_clear()
    # Else each thread keeps what its largest range took.
    pa.default_memory_pool().release_unused()
    return made


def _take(found: TableRead, made: _Made, parquet: Any) -> None:
    for form, file in made.files.items():
        found.files[form].append(file)
    for column, count in made.lost.items():
        found.without_type[column] = found.without_type.get(column, 0) + count
    parquet.write_batch(made.batch)
