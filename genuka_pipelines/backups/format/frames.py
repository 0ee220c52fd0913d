"""Where the zstd frames of a pack begin and end.

A decompressor gives all of a frame's content before it has seen its end, and says nothing when the end,
with the checksum, is missing; so frames are walked by their block headers first. Source: RFC 8878, section 3.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

_BLOCK_HEADER, _CHECKSUM = 3, 4
_RLE, _RESERVED = 1, 3


def frames_of(data: bytes) -> Iterator[memoryview]:
    """The frames, each as a view of `data`. ValueError where one is truncated, without checksum, or no frame."""
    view, start = memoryview(data), 0
    while start < len(view):
        end = _end(view[start:])
        yield view[start : start + end]
        start += end


def _end(view: memoryview) -> int:
    try:
        at = zstandard.frame_header_size(view)
        checked = zstandard.get_frame_parameters(view).has_checksum
    except zstandard.ZstdError:
        raise ValueError("no zstd frame begins here") from None
    last = False
    while not last:
        header = int.from_bytes(view[at : at + _BLOCK_HEADER], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        at += _BLOCK_HEADER + (1 if kind == _RLE else size)
        if at > len(view) or kind == _RESERVED:
            raise ValueError("a zstd frame is truncated or altered")
    if not checked or at + _CHECKSUM > len(view):
        raise ValueError("a zstd frame lacks its checksum")
    return at + _CHECKSUM
