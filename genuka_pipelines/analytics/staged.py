"""Stages one table for analyses, and writes that down in the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StagedFile:
    """One Parquet file: its shard, rows, bytes and SHA-256."""

    shard: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class StagedTable:
    """A staged table: its columns, and a file for every shard that has rows."""

    columns: tuple[str, ...]
    files: tuple[StagedFile, ...]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(file.rows for file in self.files)

    @property
    def digest(self) -> str:
        """The same for the same files: the data version of the asset."""
        return hashlib.sha256(repr([(file.shard, file.sha256) for file in self.files]).encode()).hexdigest()[:16]


def stage_table(house: object, category: str, table: str, *, as_of: datetime, now: datetime) -> StagedTable:
    raise NotImplementedError
