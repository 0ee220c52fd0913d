"""The bytes behind media rows: small pictures and papers that any viewer opens.

One media row is the original and up to four conversions under keys made of its id and file name;
kept in one place so that what is written, counted and removed are the same keys.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import PurePosixPath

PNG = "image/png"
PDF = "application/pdf"
CONVERSION_SETS: tuple[object, ...] = (
    {"micro": True, "thumb": True, "large": True, "webp": True},
    {"micro": True, "thumb": True},
    [],
)


def keys(number: int, file_name: str, conversions: Iterable[str]) -> list[str]:
    """The keys of a media row's objects: the original's, then one per conversion."""
    stem, suffix = PurePosixPath(file_name).stem, PurePosixPath(file_name).suffix
    return [
        f"{number}/{file_name}",
        *(f"{number}/conversions/{stem}-{name}{'.webp' if name == 'webp' else suffix}" for name in conversions),
    ]


def content(key: str) -> bytes:
    """The bytes of an object, the same for the same key: a paper for `.pdf`, else a picture."""
    drawn = blake2b(key.encode(), digest_size=8).digest()
    return _paper(drawn) if key.endswith(".pdf") else _picture(drawn)


def _picture(drawn: bytes) -> bytes:
    """An 8 by 8 PNG of one colour, stored uncompressed so that every one has the same size."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + drawn[:3] * 8) * 8, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


def _paper(drawn: bytes) -> bytes:
    """A one-page PDF with a reference of sixteen letters on it."""
    reference = drawn.hex().translate(str.maketrans("0123456789", "ghijklmnop")).encode()
    text = b"BT /F1 12 Tf 40 100 Td (Ref. " + reference + b") Tj ET"
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 240 140]/Contents 4 0 R/Resources"
        b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
        b"4 0 obj<</Length " + str(len(text)).encode() + b">>stream\n" + text + b"\nendstream endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n"
    )


SIZES = {PNG: len(_picture(b"12345678")), PDF: len(_paper(b"12345678"))}
