"""The archive as one file: a bag (BagIt 1.0, RFC 8493) in a tar whose bytes depend on its content alone.

The same rows and the same request give the same bytes, so two archives can be compared, and a re-run after a
killed one be proved right. Every name is ours: nothing that a row or a file is called becomes a path.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, cast

from genuka_pipelines.exports.work import BLOCK, File, put

if TYPE_CHECKING:
    from pathlib import Path

Content = bytes | Sequence[bytes | File]
"""What is under a name: bytes, or pieces one after the other."""
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
INFO, MANIFEST, TAG_MANIFEST = "bag-info.txt", "manifest-sha512.txt", "tagmanifest-sha512.txt"
FORMAT = "Genuka-Archive-Format"


@dataclass(frozen=True, slots=True)
class Packed:
    """A written tar: its bytes, their SHA-256, and those of the payload."""

    path: Path
    sha256: str
    size: int
    payload: int


def pack(path: Path, top: str, payload: Mapping[str, Content], info: Mapping[str, str], day: date) -> Packed:
    """Write the bag of a payload (names below `data/`) under the folder `top`; times are the midnight of `day`."""
    at = int(datetime.combine(day, time(), UTC).timestamp())
    sizes = {name: _size(content) for name, content in payload.items()}
    tags = {"bagit.txt": DECLARATION, INFO: _info(info, sizes)}

    def content(out: BinaryIO) -> None:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.copybufsize = BLOCK  # type: ignore[attr-defined]
            hashes = {name: _add(tar, f"{top}/{name}", data, at) for name, data in tags.items()}
            manifest = "".join(
                f"{_add(tar, f'{top}/data/{name}', payload[name], at)}  data/{name}\n" for name in sorted(payload)
            ).encode()
            hashes[MANIFEST] = _add(tar, f"{top}/{MANIFEST}", manifest, at)
            listed = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()
            _add(tar, f"{top}/{TAG_MANIFEST}", listed, at)

    written = put(path, content, "sha256")
    return Packed(path, written.state.hexdigest(), written.size, sum(sizes.values()))


def _info(info: Mapping[str, str], sizes: Mapping[str, int]) -> bytes:
    said = {**info, "Payload-Oxum": f"{sum(sizes.values())}.{len(sizes)}"}
    return "".join(f"{name}: {said[name]}\n" for name in sorted(said)).encode()


def _size(content: Content) -> int:
    if isinstance(content, bytes):
        return len(content)
    return sum(len(one) if isinstance(one, bytes) else one.size for one in content)


def _add(tar: tarfile.TarFile, name: str, content: Content, at: int) -> str:
    """Add one member; the SHA-512 of its content."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = _size(content), at, 0o644
    reader = _Pieces([content] if isinstance(content, bytes) else content)
    tar.addfile(member, cast("BinaryIO", reader))
    # Nobody asks a tar that is written for its members; those of a million files would fill the memory.
    tar.members.clear()  # type: ignore[attr-defined]
    return reader.state.hexdigest()


class _Pieces:
    """Pieces read as one file, and hashed on the way."""

    def __init__(self, pieces: Sequence[bytes | File]) -> None:
        self.state = hashlib.sha512()
        self._blocks, self._left = _blocks(pieces), b""

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end alone."""
        taken = [self._left]
        held = len(self._left)
        while held < size and (block := next(self._blocks, b"")):
            taken.append(block)
            held += len(block)
        everything = b"".join(taken)
        found, self._left = everything[:size], everything[size:]
        self.state.update(found)
        return found


def _blocks(pieces: Sequence[bytes | File]) -> Iterator[bytes]:
    for piece in pieces:
        with BytesIO(piece) if isinstance(piece, bytes) else piece.path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
