"""What an epoch's key closes, packs and the bodies of manifests: sealed only if it also opens again.

Codecs have corrupted backups silently; so what is to be stored for a year is first decrypted,
decompressed and counted, while the rows are still there to be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import zstandard

from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format.envelope import Verify
from genuka_pipelines.backups.format.frames import frames_of
from genuka_pipelines.backups.format.manifest import Manifest, Pack, Section, read_manifest
from genuka_pipelines.backups.format.pack import BLOCK, WINDOW, Packed, read_pack
from genuka_pipelines.keys.envelope import EpochKey, Place
from genuka_pipelines.keys.errors import Undecryptable

LARGEST_BODY = 512 << 20
_BODY = Place("manifest", 0)


@dataclass(frozen=True, slots=True)
class SealedPack:
    """A pack for the store: what the manifest says of it, and its bytes."""

    pack: Pack
    data: bytes


def seal_pack(key: EpochKey, packed: Packed) -> SealedPack:
    """Seals a pack, then opens, decompresses and counts it; BackupDamaged where that is not what was sealed."""
    place = Place("pack", packed.ordinal)
    sealed = key.seal(packed.data, place)
    name = f"pack {packed.ordinal}, just sealed,"
    try:
        same = key.open(sealed.data, place, name) == packed.data
    except Undecryptable:
        same = False
    if not same:
        raise BackupDamaged(f"{name} does not open as what was sealed: run the backup again on another machine")
    for _, blocks in read_pack(packed.data, packed.sections, name):
        for _ in blocks:
            pass
    digest = hashlib.sha256(sealed.data).hexdigest()
    pack = Pack(
        ordinal=packed.ordinal, name=sealed.name, bytes=len(sealed.data), sha256=digest, sections=packed.sections
    )
    return SealedPack(pack, sealed.data)


def open_pack(key: EpochKey, data: bytes, pack: Pack, name: str) -> Iterator[tuple[Section, Iterator[bytes]]]:
    """The sections of the sealed pack in the object `name`: see `read_pack`. BackupDamaged, Undecryptable."""
    if len(data) != pack.bytes or hashlib.sha256(data).hexdigest() != pack.sha256:
        raise BackupDamaged(f"{name} is truncated or altered: take the other region's")
    return read_pack(key.open(data, Place("pack", pack.ordinal), name), pack.sections, name)


def seal_body(key: EpochKey, body: bytes) -> bytes:
    """The body of a manifest, compressed and sealed; for `write_manifest(seal=…)`."""
    return key.seal(zstandard.ZstdCompressor(level=9, write_checksum=True).compress(body), _BODY).data


def open_body(key: EpochKey, data: bytes, name: str) -> bytes:
    """The body of the manifest `name`; for `read_manifest(unseal=…)`. BackupDamaged, Undecryptable."""
    plain = key.open(data, _BODY, name)
    try:
        (frame,) = frames_of(plain)
        with zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(frame) as reader:
            body = b"".join(islice(iter(lambda: reader.read(BLOCK), b""), LARGEST_BODY // BLOCK))
            if not reader.read(1):
                return body
    except (zstandard.ZstdError, ValueError):
        pass
    raise BackupDamaged(f"{name} was sealed with a body that is none: take the other region's")


def open_manifest(key: EpochKey, data: bytes, name: str, verify: Verify) -> Manifest:
    """The whole manifest in the object `name`. BackupDamaged, UnknownFormat, Undecryptable."""
    return read_manifest(data, name, unseal=lambda body: open_body(key, body, name), verify=verify)
