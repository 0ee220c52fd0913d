"""Routes rows to one Parquet file per shard, in memory that does not grow with the table.

Sixty-four open files tempt to buffer each until it is full; so what is buffered is bounded over all of
them together, and written out at once when the bound is met.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genuka_pipelines.analytics.staging.result import StagedFile
from genuka_pipelines.catalog.shard import NO_TENANT, shard_name, shard_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet as pq

_BUFFERED_BYTES = 32 << 20
_DATED = ("date32", "date64", "timestamp")


class ShardFiles:
    """The Parquet files of a folder, one for each of `shards` that gets rows; use it as a context.

    The footer keeps minima and maxima of days alone: those of other columns would be values of people.
    """

    def __init__(self, folder: Path, schema: pa.Schema, shards: Collection[int]) -> None:
        self._folder, self._schema, self._shards = folder, schema, frozenset(shards)
        self._writers: dict[int, pq.ParquetWriter] = {}
        self._waiting: dict[int, list[pa.RecordBatch]] = {}
        self._bytes = 0
        self._rows: dict[int, int] = {}
        self._of_tenant: dict[str | None, int] = {None: NO_TENANT}

    def __enter__(self) -> ShardFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, batch: pa.RecordBatch, tenants: pa.Array) -> None:
        """Route the rows of a batch by the text keys of their tenants; NULL goes to the shard of no tenant."""
        import numpy as np
        import pyarrow as pa

        encoded = tenants.dictionary_encode(null_encoding="encode")
        keys = encoded.dictionary.to_pylist()
        for key in keys:
            if key not in self._of_tenant:
                self._of_tenant[key] = shard_of(key)
        by_code = np.array([self._of_tenant[key] for key in keys], dtype=np.uint8)
        shards = by_code[encoded.indices.to_numpy()]
        order = np.argsort(shards, kind="stable")
        sorted_batch = batch.take(pa.array(order))
        found, starts = np.unique(shards[order], return_index=True)
        for shard, start, end in zip(found, starts, [*starts[1:], len(order)], strict=True):
            if int(shard) in self._shards:
                self._waiting.setdefault(int(shard), []).append(sorted_batch.slice(start, end - start))
        self._bytes += sorted_batch.nbytes
        if self._bytes >= _BUFFERED_BYTES:
            self._flush()

    def finish(self) -> tuple[StagedFile, ...]:
        """Close the files and say what they are. Without any row, shard 00 is an empty file: the columns."""
        self._flush()
        if not self._writers and NO_TENANT in self._shards:
            self._writer(NO_TENANT)
        for writer in self._writers.values():
            writer.close()
        return tuple(self._described(shard) for shard in sorted(self._writers))

    def _flush(self) -> None:
        import pyarrow as pa

        for shard, batches in self._waiting.items():
            table = pa.Table.from_batches(batches, schema=self._schema)
            self._writer(shard).write_table(table, row_group_size=max(1, table.num_rows))
            self._rows[shard] = self._rows.get(shard, 0) + table.num_rows
        self._waiting, self._bytes = {}, 0

    def _writer(self, shard: int) -> Any:
        from pyarrow import parquet as pq

        if shard not in self._writers:
            dated = [field.name for field in self._schema if str(field.type).startswith(_DATED)]
            self._writers[shard] = pq.ParquetWriter(
                self._path(shard), self._schema, compression="zstd", write_statistics=dated or False
            )
        return self._writers[shard]

    def _path(self, shard: int) -> Path:
        return self._folder / f"{shard_name(shard)}.parquet"

    def _described(self, shard: int) -> StagedFile:
        path = self._path(shard)
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        return StagedFile(shard_name(shard), self._rows.get(shard, 0), path.stat().st_size, digest)
