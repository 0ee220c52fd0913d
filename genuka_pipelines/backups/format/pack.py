"""Rows to packs of at most 64 MiB and back, in one pass and with flat memory.

A pack says of every run of rows whose it is and how many there are, so a reader notices what is missing
before it is loaded; and it is cut between rows only, so that each pack can be read without the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import zstandard

from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format.fragment import Fragment, heading_line
from genuka_pipelines.backups.format.frames import frames_of
from genuka_pipelines.backups.format.manifest import Section

PACK_BYTES = (64 << 20) - 4096
"""Of a pack before it is sealed; the rest is the seal's, so that no sealed pack has more than 64 MiB."""
PREFIX = 16
"""Bytes of a row's hash in a section of rows that are gone."""
BLOCK = 1 << 20
WINDOW = 8 << 20
"""How far back a frame may refer, and so what reading one costs in memory; all levels up to 19 stay below."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack before it is sealed: its number from 0, its bytes, and what is in it, in order."""

    ordinal: int
    data: bytes
    sections: tuple[Section, ...]


class PackWriter:
    """The packs of one backup of one owner: `add` what there is, in order; then `finish`.

    A fragment is never cut: one of more than `limit` bytes, which takes a row of that size, is a pack by itself.
    Not for several threads at once.
    """

    def __init__(self, *, limit: int = PACK_BYTES) -> None:
        self._limit, self._made = limit, 0
        self._begin()

    def add(self, fragment: Fragment) -> list[Packed]:
        """Take a fragment; the pack that became full by it, if one did."""
        _refuse_unproved(fragment)
        full = self.finish() if self._size + len(fragment.frame) > self._limit else []
        self._frames.append(fragment.frame)
        self._sections += fragment.sections
        self._size += len(fragment.frame)
        return full

    def finish(self) -> list[Packed]:
        """What was not yet full; nothing where nothing was added."""
        if not self._frames:
            return []
        made = Packed(self._made, b"".join(self._frames), tuple(self._sections))
        self._made += 1
        self._begin()
        return [made]

    def _begin(self) -> None:
        self._frames: list[bytes] = []
        self._sections: list[Section] = []
        self._size = 0


def packs(fragments: Iterable[Fragment], *, limit: int = PACK_BYTES) -> Iterator[Packed]:
    """The packs of a stream of fragments, as they become full."""
    writer = PackWriter(limit=limit)
    for fragment in fragments:
        yield from writer.add(fragment)
    yield from writer.finish()


def read_pack(data: bytes, declared: Sequence[Section], name: str) -> Iterator[tuple[Section, Iterator[bytes]]]:
    """The sections of a pack (opened: see `sealed.open_pack`), each with its blocks of whole rows of about 1 MiB.

    `declared` is what the signed manifest says is in it, and bounds what is read. What is left of a section's
    blocks is read and checked before the next one comes. BackupDamaged, naming the object `name`.
    """
    plain = _Plain(data, name)
    for section in declared:
        line = heading_line(section)
        if plain.read(len(line)) != line:
            raise plain.damaged("holds other sections than its manifest says")
        blocks = _blocks(plain, section)
        yield section, blocks
        for _ in blocks:
            pass
    if plain.read(1):
        raise plain.damaged("holds more than its manifest says")


class _Plain:
    """What the frames of a pack give, one after the other; never more in memory than is asked for."""

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self._frames = frames_of(data)
        self._open: zstandard.ZstdDecompressionReader | None = None

    def damaged(self, how: str) -> BackupDamaged:
        return BackupDamaged(f"{self._name} {how}: take the other region's")

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        got: list[bytes] = []
        while size and (piece := self._some(size)):
            got.append(piece)
            size -= len(piece)
        return got[0] if len(got) == 1 else b"".join(got)

    def _some(self, size: int) -> bytes:
        try:
            while True:
                if self._open is not None and (piece := self._open.read(size)):
                    return piece
                frame = next(self._frames, None)
                if frame is None:
                    return b""
                # Read to its end, where its checksum is, before the next frame begins.
                self._open = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(frame)
        except (zstandard.ZstdError, ValueError):
            raise self.damaged("is truncated or altered") from None


def _blocks(plain: _Plain, section: Section) -> Iterator[bytes]:
    """The section's bytes in whole rows; counted when they end."""
    left, rows = section.bytes, 0
    begun: list[bytes] = []
    while left:
        piece = plain.read(min(left, BLOCK))
        if not piece:
            raise plain.damaged("is truncated")
        left -= len(piece)
        if section.kind == "gone":
            # A block's size and what is left are multiples of a prefix's.
            rows += len(piece) // PREFIX
            yield piece
            continue
        rows += piece.count(b"\n")
        end = piece.rfind(b"\n") + 1
        if not end:
            begun.append(piece)
            continue
        yield b"".join((*begun, piece[:end])) if begun else piece[:end]
        begun = [piece[end:]] if end < len(piece) else []
    if begun or rows != section.rows or (section.kind == "gone" and section.bytes != rows * PREFIX):
        raise plain.damaged(f"does not hold the {section.rows} rows that it says")


def _refuse_unproved(fragment: Fragment) -> None:
    # The frame's checksum is of the rows as they were read: what a damaged codec wrote does not match it.
    said = zstandard.get_frame_parameters(fragment.frame)
    if not said.has_checksum or said.content_size != fragment.plain:
        raise ValueError("a frame without checksum and size cannot be proved before it is sealed")
