"""What one backup of one owner holds: the object whose presence says that the backup exists.

It is written last, so whatever it names is there; and it says what the rows must add up to, so a
restore can be proved without asking the source again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import AwareDatetime, Field

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format.envelope import Hex, Part, Sign, Verify, enveloped, opened
from genuka_pipelines.control.canonical import canonical_json, instant

Kind = Literal["base", "rows", "gone", "definition", "media"]


class Section(Part):
    """A run of rows within a pack: of which database (its number in `places`) and table, and what kind.

    base: rows, and nothing of this table before this backup counts. rows: rows that are new. gone: the
    16-byte hashes of rows that are no more. definition and media: lines of JSON.
    """

    place: int = Field(ge=0)
    table: str
    kind: Kind
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)


class Pack(Part):
    """One sealed object: its name, the size and SHA-256 of its bytes, and what is in it, in order."""

    ordinal: int = Field(ge=0)
    name: str = Hex
    bytes: int = Field(ge=0)
    sha256: str = Hex
    sections: tuple[Section, ...]


class TableState(Part):
    """A table as it stood: columns in the order of its lines, and what its rows add up to.

    `base` is the backup in which its chain begins: nothing before it counts.
    """

    name: str
    columns: tuple[str, ...]
    rows: int = Field(ge=0)
    digest: str = Hex
    base: str
    declared: bool = True


class PlaceState(Part):
    """One database: the system, whether it is the owner's own, what served it, and its tables.

    `definition` is the backup whose packs hold its definition; `sequences` map a name to its next value.
    """

    system: str
    own: bool
    server: tuple[str, str]
    snapshot: str
    taken_at: AwareDatetime
    definition: str
    tables: tuple[TableState, ...]
    sequences: Mapping[str, str] = Field(default_factory=dict)


class MediaState(Part):
    """The objects of the owner in a store: how many, how large, and the digest of the list of them."""

    system: str
    objects: int = Field(ge=0)
    bytes: int = Field(ge=0)
    digest: str = Hex
    base: str


class Manifest(Part):
    """A backup of one owner. `parent` is the backup it is told against, `chain` all that a restore needs before it."""

    backup: str
    owner: str
    tenant: str | None
    parent: str | None
    chain: tuple[str, ...]
    created: AwareDatetime
    places: tuple[PlaceState, ...]
    media: tuple[MediaState, ...] = ()
    packs: tuple[Pack, ...]
    row_key: str = Hex
    tenant_key: str
    tools: Mapping[str, str] = Field(default_factory=dict)

    @property
    def epoch(self) -> Epoch:
        """The epoch that it belongs to, and dies with."""
        return epoch_of(self.backup)

    @property
    def rows(self) -> int:
        """How many rows it restores."""
        return sum(table.rows for place in self.places for table in place.tables)


class Named(Part):
    """An object of a backup: its key, size and SHA-256."""

    key: str
    bytes: int = Field(ge=0)
    sha256: str = Hex


class Header(Part):
    """What may be known of a manifest without any key: the objects it rests on, and until when they are locked."""

    format: int
    kind: Literal["manifest"]
    backup: str
    owner: str
    parent: str | None
    chain: tuple[str, ...]
    created: AwareDatetime
    retain_until: AwareDatetime
    objects: tuple[Named, ...]
    body_sha256: str = Hex
    signer: str

    @property
    def epoch(self) -> Epoch:
        """The epoch that it belongs to."""
        return epoch_of(self.backup)


def write_manifest(
    manifest: Manifest, objects: tuple[Named, ...], *, seal: Callable[[bytes], bytes], sign: Sign, signer: str
) -> bytes:
    """The bytes of a manifest. `objects` are all that it rests on and wrote itself; `seal` closes the body."""
    header = {
        "kind": "manifest",
        "backup": manifest.backup,
        "owner": manifest.owner,
        "parent": manifest.parent,
        "chain": list(manifest.chain),
        "created": instant(manifest.created),
        "retain_until": instant(manifest.epoch.locked_until),
        "objects": [named.model_dump() for named in objects],
        "signer": signer,
    }
    return enveloped(header, seal(canonical_json(manifest.model_dump(mode="json")).encode()), sign)


def read_header(data: bytes, name: str, verify: Verify) -> Header:
    """The header of the manifest `name`, checked; BackupDamaged or UnknownFormat."""
    return Header.taken(opened(data, name, verify).header, name)


def read_manifest(data: bytes, name: str, *, unseal: Callable[[bytes], bytes], verify: Verify) -> Manifest:
    """The whole manifest `name`; `unseal` opens the body, and raises Undecryptable where it cannot."""
    found = opened(data, name, verify)
    header = Header.taken(found.header, name)
    manifest = Manifest.checked(unseal(found.body), name)
    if (manifest.backup, manifest.owner) != (header.backup, header.owner):
        raise BackupDamaged(f"{name} holds the body of another backup: take the other region's")
    return manifest
