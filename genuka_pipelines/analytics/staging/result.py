"""What a staging made, as a value: the evidence that a ledger entry and a data version are made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StagedFile:
    """One Parquet file: its shard, rows, bytes and SHA-256."""

    shard: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class StagedTable:
    """A staged table: its columns, and a file for every shard that has rows.

    `keys` are the public ids of the keys its pseudonyms were made with. `unkeyed` rows belong to a day
    whose key is destroyed, or to no known day: their device_day is NULL.
    """

    columns: tuple[str, ...]
    files: tuple[StagedFile, ...]
    keys: tuple[str, ...] = field(default=())
    unkeyed: int = 0

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(file.rows for file in self.files)

    @property
    def digest(self) -> str:
        """The same for the same files: the data version of the asset."""
        return hashlib.sha256(repr([(file.shard, file.sha256) for file in self.files]).encode()).hexdigest()[:16]
