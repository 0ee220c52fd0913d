"""Writes staged rows as one Parquet file per shard, beside what is there, and puts them in its place at the end.

A reader sees the old files or the new; a process killed midway leaves only a folder that the next run removes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from genuka_pipelines.catalog.shard import shard_name, shard_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

TENANT = "__tenant"
_BUFFERED_ROWS = 400_000
"""Rows held in memory over all shards; then the fullest is written, so memory stays flat."""


@dataclass(frozen=True)
class StagedFile:
    """One Parquet file: its shard, rows, bytes and SHA-256."""

    shard: str
    rows: int
    bytes: int
    sha256: str


class ShardWriter:
    """Takes batches with a column of tenants, and writes all others to the tenants' shards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._aside = folder.with_name(f".{folder.name}.writing")
        self._waiting: dict[int, list[pa.RecordBatch]] = {}
        self._rows: dict[int, int] = {}
        self._writers: dict[int, pq.ParquetWriter] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(mode=0o700, parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()
        shutil.rmtree(self._aside, ignore_errors=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Route the rows of a batch."""
        import pyarrow as pa
        import pyarrow.compute as pc

        tenants = batch.column(batch.schema.get_field_index(TENANT)).dictionary_encode()
        rest = batch.drop_columns([TENANT])
        routes = pa.array([shard_of(tenant) for tenant in tenants.dictionary.to_pylist()] or [0], pa.int8())
        shards = pc.fill_null(routes.take(tenants.indices), shard_of(None))
        for shard in pc.unique(shards).to_pylist():
            part = rest.filter(pc.equal(shards, shard))
            self._waiting.setdefault(shard, []).append(part)
            self._rows[shard] = self._rows.get(shard, 0) + part.num_rows
        while sum(self._rows.values()) > _BUFFERED_ROWS:
            self._flush(max(self._rows, key=lambda shard: self._rows[shard]))

    def finish(self) -> tuple[StagedFile, ...]:
        """Write what waits, and put the new files in the place of the old; shards without rows have no file."""
        for shard in list(self._waiting):
            self._flush(shard)
        files = []
        for shard, writer in sorted(self._writers.items()):
            writer.close()
            path = self._path(shard)
            files.append(_described(path, shard_name(shard)))
        self._writers = {}
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        named = {f"{file.shard}.parquet" for file in files}
        for file in sorted(named):
            (self._aside / file).replace(self.folder / file)
        for stale in self.folder.glob("*.parquet"):
            if stale.name not in named:
                stale.unlink()
        return tuple(files)

    def _path(self, shard: int) -> Path:
        return self._aside / f"{shard_name(shard)}.parquet"

    def _flush(self, shard: int) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_batches(self._waiting.pop(shard))
        self._rows.pop(shard)
        if shard not in self._writers:
            self._writers[shard] = pq.ParquetWriter(
                self._path(shard), table.schema, compression="zstd", use_dictionary=True
            )
        self._writers[shard].write_table(table)


def _described(path: Path, shard: str) -> StagedFile:
    import pyarrow.parquet as pq

    digest = hashlib.sha256()
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        while piece := file.read(1 << 20):
            digest.update(piece)
    return StagedFile(shard, pq.read_metadata(path).num_rows, path.stat().st_size, digest.hexdigest())
