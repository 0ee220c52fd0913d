"""Compression whose bytes depend on the content alone: no time, no name, no number of threads."""

from __future__ import annotations

import zlib

import zstandard

_GZIP = 31
"""zlib's sign for a gzip header, which it writes without a time and a name."""


def gzipped(data: bytes) -> bytes:
    """A gzip member; several one after the other are one file (RFC 1952)."""
    packer = zlib.compressobj(4, zlib.DEFLATED, _GZIP)
    return packer.compress(data) + packer.flush()


def zipped(data: bytes) -> bytes:
    """A Zstandard frame with a checksum; several one after the other are one file (RFC 8878)."""
    return zstandard.ZstdCompressor(level=6, write_checksum=True).compress(data)
