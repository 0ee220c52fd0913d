"""Reading an object as a stream that proves itself.

A truncated or altered object must raise, not look like a shorter one; the check cannot be forgotten
because it sits at the end of the stream itself.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, Protocol

from genuka_pipelines.stores.digests import chunks
from genuka_pipelines.stores.errors import CorruptObject
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.store import Stored

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Body(Protocol):
    """Where the bytes come from; `read` raises the store's own errors and b"" at the end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""

    def close(self) -> None:
        """Let go of the file or connection."""


class ObjectReader(io.RawIOBase):
    """A readable, closable stream; the last read raises CorruptObject if size or SHA-256 differ.

    `stored` says which version is being read. Objects without our SHA-256 are checked by size only.
    """

    def __init__(self, body: Body, stored: Stored, shown: Shown) -> None:
        self.stored = stored
        self._body = body
        self._shown = shown
        self._hash = hashlib.sha256()
        self._seen = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, or the rest; nothing at the end, once the whole is proved."""
        if size is None or size < 0:
            return b"".join(chunks(self))
        if size == 0:
            return b""
        chunk = self._body.read(size)
        if not chunk:
            self._prove()
        self._hash.update(chunk)
        self._seen += len(chunk)
        return chunk

    def readinto(self, buffer: Buffer, /) -> int:
        """For buffered readers and the like."""
        view = memoryview(buffer)
        chunk = self.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Let go; closing early proves nothing."""
        if not self.closed:
            self._body.close()
        super().close()

    def _prove(self) -> None:
        expected = self.stored
        if self._seen != expected.size or expected.sha256 not in (None, self._hash.hexdigest()):
            raise CorruptObject(
                f"The bytes of {self._shown(expected.key)} (version {expected.version}) are not those stored "
                f"({self._seen} bytes read, {expected.size} expected): take another copy."
            )


def read_all(reader: ObjectReader) -> bytes:
    """The whole object in memory, proved."""
    with reader:
        return reader.read()


def copy_into(reader: ObjectReader, out: BinaryIO) -> Stored:
    """The whole object into `out` with flat memory, proved."""
    with reader:
        for chunk in chunks(reader):
            out.write(chunk)
    return reader.stored
