"""A piece of a pack: one zstd frame that holds whole sections, each led by its line of JSON.

Frames follow one another in a pack as they are, so rows are compressed once, where they are read; a
section cut in two frames, or a line that tells other rows than follow, would be found at a restore.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zstandard

from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format.manifest import Kind, Section

LEVEL = 3
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Heading:
    """What a text is of: a database by its number, a table, a kind. `attempt` tells a second reading from the first."""

    place: int
    table: str
    kind: Kind
    attempt: int = 0

    def section(self, rows: int, size: int) -> Section:
        """The section of so many rows and bytes under this heading."""
        return Section(place=self.place, table=self.table, kind=self.kind, rows=rows, bytes=size)


Held = tuple[Heading, int, int]
"""What a fragment holds under one heading: rows and bytes."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A frame, how long it is decompressed, and its sections in their order."""

    frame: bytes
    plain: int
    held: tuple[Held, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Its sections, as a manifest names them."""
        return tuple(heading.section(rows, size) for heading, rows, size in self.held)


def fragment(texts: Iterable[tuple[Heading, int, list[bytes]]]) -> Fragment:
    """The fragment of texts, each under its heading and with its number of rows."""
    parts: list[bytes] = []
    held: list[Held] = []
    for heading, rows, pieces in texts:
        size = sum(map(len, pieces))
        parts += [heading_line(heading.section(rows, size)), *pieces]
        held.append((heading, rows, size))
    plain = b"".join(parts)
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    return Fragment(_local.compressor.compress(plain), len(plain), tuple(held))


def heading_line(section: Section) -> bytes:
    """The line that leads a section."""
    said = {
        "place": section.place,
        "table": section.table,
        "kind": section.kind,
        "rows": section.rows,
        "bytes": section.bytes,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def texts_of(found: Fragment) -> Iterator[tuple[Heading, int, bytes]]:
    """The texts of a fragment again, each under its heading and with its number of rows."""
    plain = zstandard.ZstdDecompressor().decompress(found.frame)
    at = 0
    for heading, rows, size in found.held:
        line = heading_line(heading.section(rows, size))
        if plain[at : at + len(line)] != line:
            raise _other()
        at += len(line)
        yield heading, rows, plain[at : at + size]
        at += size
    if at != len(plain):
        raise _other()


def _other() -> BackupDamaged:
    return BackupDamaged("a frame does not hold what it is said to hold: run the backup again")
