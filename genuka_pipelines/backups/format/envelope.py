"""The three parts of every manifest: a header anyone may read, our signature of it, and a sealed body.

A region is replicated, verified and emptied by the headers alone, without the keys that open a body;
a body is found through its header, so that none can be moved under another's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genuka_pipelines.backups.errors import BackupDamaged, UnknownFormat
from genuka_pipelines.control.canonical import canonical_json

FORMAT = 2
Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]
"""`(signature, message)`: whether we signed it."""
Hex = Field(pattern=r"^[0-9a-f]{64}$")
P = TypeVar("P", bound="Part")


class Part(BaseModel):
    """A frozen value of a manifest; `checked` reads it from JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def checked(cls: type[P], data: str | bytes, name: str) -> P:
        """The value in the object `name`; BackupDamaged, naming it, where the JSON is another's."""
        return cls._or_damaged(lambda: cls.model_validate_json(data), name)

    @classmethod
    def taken(cls: type[P], value: Mapping[str, Any], name: str) -> P:
        """The same of JSON that was read already."""
        return cls._or_damaged(lambda: cls.model_validate(value), name)

    @classmethod
    def _or_damaged(cls: type[P], read: Callable[[], P], name: str) -> P:
        try:
            return read()
        except ValidationError:
            what = cls.__name__.lower()
            raise BackupDamaged(
                f"{name} is signed by us and yet no {what}: install the newest genuka-pipelines"
            ) from None


@dataclass(frozen=True, slots=True)
class Enveloped:
    """A manifest as it lies in a store: its public header, and its sealed body."""

    header: Mapping[str, Any]
    body: bytes


def enveloped(header: Mapping[str, Any], body: bytes, sign: Sign) -> bytes:
    """The bytes of a manifest. The header is given the format and the body's SHA-256."""
    said = {**header, "format": FORMAT, "body_sha256": hashlib.sha256(body).hexdigest()}
    line = canonical_json(said).encode()
    return b"\n".join((line, sign(line).hex().encode(), body))


def opened(data: bytes, name: str, verify: Verify) -> Enveloped:
    """The parts of the manifest `name`; UnknownFormat or BackupDamaged, naming it, where they are not ours."""
    line, _, rest = data.partition(b"\n")
    signature, _, body = rest.partition(b"\n")
    header = _header(line, name)
    try:
        ours = verify(bytes.fromhex(signature.decode("ascii", "replace")), line)
    except ValueError:
        ours = False
    if not ours:
        raise BackupDamaged(f"{name} is altered, or signed by another key: take the other region's")
    if header.get("format") != FORMAT:
        raise UnknownFormat(
            f"{name} has format {header.get('format')}, and this program reads {FORMAT}: "
            "install a newer genuka-pipelines, or the one that wrote it"
        )
    if hashlib.sha256(body).hexdigest() != header.get("body_sha256"):
        raise BackupDamaged(f"{name} is truncated or altered in its body: take the other region's")
    return Enveloped(header, body)


def _header(line: bytes, name: str) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise BackupDamaged(f"{name} is no manifest, or truncated: take the other region's")
    return header
