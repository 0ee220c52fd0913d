"""Compression whose bytes depend on the content alone: no time, no name, no number of threads."""

from __future__ import annotations

import zlib

import zstandard

_GZIP = 31
"""zlib's sign for a gzip header, which it writes without a time and a name."""
LEVELS = {"gzip": 4, "zstd": 3}
"""Half of an export's work. Level 1 of gzip takes a fifth less time and a tenth more room, which the tenant has to
fetch; level 6 of Zstandard takes three times as long as 3 for 3 % less."""


def gzipped(data: bytes | memoryview) -> bytes:
    """A gzip member; several one after the other are one file (RFC 1952)."""
    packer = zlib.compressobj(LEVELS["gzip"], zlib.DEFLATED, _GZIP)
    return packer.compress(data) + packer.flush()


def zipped(data: bytes) -> bytes:
    """A Zstandard frame with a checksum; several one after the other are one file (RFC 8878)."""
    return zstandard.ZstdCompressor(level=LEVELS["zstd"], write_checksum=True).compress(data)
