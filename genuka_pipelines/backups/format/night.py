"""What one night captured of everyone: the last object of a run, and the first that a rebuilt catalogue reads.

Each owner's newest manifest is named here also where tonight wrote none, so that a tenant that was
forgotten is told from one that had no changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, Field

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format.envelope import Hex, Part, Sign, Verify, enveloped, opened
from genuka_pipelines.control.canonical import canonical_json, instant
from genuka_pipelines.keys.root import RootKey


class OwnerState(Part):
    """An owner's newest backup, and whether tonight made it. `failed` is one that this night could not capture."""

    backup: str | None
    captured: bool
    failed: bool = False


class Night(Part):
    """One run of capture. `owners` by id; `suspicious` are counts by kind, `rows` by database and table."""

    backup: str
    created: AwareDatetime
    finished: AwareDatetime
    owners: Mapping[str, OwnerState]
    tenants: Mapping[str, str | None]
    row_key: str = Hex
    rows: Mapping[str, int] = Field(default_factory=dict)
    suspicious: Mapping[str, int] = Field(default_factory=dict)
    undeclared: tuple[str, ...] = ()

    @property
    def epoch(self) -> Epoch:
        """The epoch that it belongs to."""
        return epoch_of(self.backup)

    @property
    def partial(self) -> bool:
        """Somebody was not captured."""
        return any(state.failed for state in self.owners.values())


class NightHeader(Part):
    """What may be known of a night without any key."""

    format: int
    kind: Literal["night"]
    backup: str
    created: AwareDatetime
    finished: AwareDatetime
    retain_until: AwareDatetime
    owners: Mapping[str, OwnerState]
    body_sha256: str = Hex
    signer: str


def write_night(night: Night, *, root: RootKey, sign: Sign, signer: str) -> bytes:
    """The bytes of a night's manifest; who is who is for the root key alone."""
    header = {
        "kind": "night",
        "backup": night.backup,
        "created": instant(night.created),
        "finished": instant(night.finished),
        "retain_until": instant(night.epoch.locked_until),
        "owners": {owner: state.model_dump() for owner, state in night.owners.items()},
        "signer": signer,
    }
    return enveloped(header, root.wrap(canonical_json(night.model_dump(mode="json")).encode()), sign)


def read_night_header(data: bytes, name: str, verify: Verify) -> NightHeader:
    """The header of the night `name`, checked; BackupDamaged or UnknownFormat."""
    return NightHeader.taken(opened(data, name, verify).header, name)


def read_night(data: bytes, name: str, *, root: RootKey, verify: Verify) -> Night:
    """The whole night `name`; Undecryptable where the root key is another."""
    found = opened(data, name, verify)
    header = NightHeader.taken(found.header, name)
    night = Night.checked(root.unwrap(found.body, name), name)
    if night.backup != header.backup:
        raise BackupDamaged(f"{name} holds the body of another night: take the other region's")
    return night
