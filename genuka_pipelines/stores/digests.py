"""Hashing while copying, with flat memory: every byte in or out of a store passes here.

The SHA-256 is always ours: a server's own checksum tells nothing about what happened before the
bytes reached it, and differs between providers for large objects.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, cast

from genuka_pipelines.stores.errors import ChecksumMismatch, StoreFull
from genuka_pipelines.stores.naming import Shown

CHUNK = 1 << 20
SPOOL = 16 << 20  # a stream that cannot be rewound is held in memory up to here, then on disk


@dataclass(frozen=True, slots=True)
class Digest:
    """size in bytes, sha256 in hex; md5 in hex where a server that checks nothing better needs it."""

    size: int
    sha256: str
    md5: str | None = field(default=None, compare=False)


class Readable(Protocol):
    """Anything bytes can be read from."""

    def read(self, size: int, /) -> bytes | None:
        """At most `size` bytes, nothing at the end."""


def chunks(stream: Readable) -> Iterator[bytes]:
    """The rest of a stream in pieces of at most CHUNK bytes."""
    while chunk := stream.read(CHUNK):
        yield chunk


def digest_of(stream: Readable, write: Callable[[bytes], object] | None = None, *, md5: bool = False) -> Digest:
    """Read to the end, hashing, and pass each chunk to `write`."""
    hashed, size = hashlib.sha256(), 0
    weak = hashlib.md5(usedforsecurity=False) if md5 else None
    for chunk in chunks(stream):
        hashed.update(chunk)
        size += len(chunk)
        if weak is not None:
            weak.update(chunk)
        if write is not None:
            write(chunk)
    return Digest(size, hashed.hexdigest(), weak.hexdigest() if weak is not None else None)


def check_announced(digest: Digest, announced: str | None, key: str, shown: Shown) -> None:
    """Raise ChecksumMismatch if the caller expected other bytes."""
    if announced is not None and announced.lower() != digest.sha256:
        raise ChecksumMismatch(
            f"The bytes for {shown(key)} do not have the SHA-256 that was announced: "
            "nothing was stored, send them again."
        )


def as_stream(data: bytes | BinaryIO) -> BinaryIO:
    """Bytes as a file; a file as it is."""
    return io.BytesIO(data) if isinstance(data, (bytes, bytearray, memoryview)) else data


@contextmanager
def rewindable(data: bytes | BinaryIO) -> Iterator[BinaryIO]:
    """`data` as a file at position 0 that can be read twice: once to hash, once to send."""
    stream = as_stream(data)
    if stream.seekable() and stream.tell() == 0:
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
        for chunk in chunks(stream):
            try:
                spool.write(chunk)
            except OSError:
                raise StoreFull("The temporary folder is full: free some space or set TMPDIR.") from None
        spool.seek(0)
        yield cast(BinaryIO, spool)
