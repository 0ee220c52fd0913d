"""What was proved of a backup in a region, signed and locked beside it.

A report that says "verified" must rest on something that nobody can write afterwards, and that is
still there when the machine that verified is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from typing import Literal

from pydantic import AwareDatetime, Field

from genuka_pipelines.backups.calendar import epoch_of
from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Hex, Part, Verify, enveloped, opened
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.backups.regions.shelf import Shelf
from genuka_pipelines.control.canonical import canonical_json, instant
from genuka_pipelines.keys.signing import SigningKey
from genuka_pipelines.stores.errors import AlreadyThere, CorruptObject, NoSuchObject

What = Literal["replicated", "verified", "repaired", "drilled"]


class Receipt(Part):
    """`counts` are numbers by name; `bad` the keys of objects that were not as they should be, never rows."""

    what: What
    backup: str
    region: str
    at: AwareDatetime
    counts: Mapping[str, int] = Field(default_factory=dict)
    bad: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Nothing was bad."""
        return not self.bad


class ReceiptHeader(Receipt):
    """A receipt as it lies in a store."""

    format: int
    kind: Literal["receipt"]
    body_sha256: str = Hex
    signer: str


def write_receipt(region: Region, receipt: Receipt, signing: SigningKey) -> str:
    """Puts a receipt into its region, locked as long as its backup; returns its key. Writing it again adds nothing."""
    said = {**receipt.model_dump(), "at": instant(receipt.at), "bad": list(receipt.bad)}
    data = enveloped({**said, "kind": "receipt", "signer": signing.id}, b"", signing.sign)
    # Two of one moment may say different things, and neither may be in the other's way.
    when = f"{receipt.at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{hashlib.sha256(data).hexdigest()[:8]}"
    key = layout.receipt(receipt.backup, receipt.region, receipt.what, when)
    until = epoch_of(receipt.backup).locked_until
    with suppress(AlreadyThere):
        region.again(lambda: region.store.put(key, data, retain_until=until))
    return key


def receipts(region: Region, backup: str, verify: Verify, *, of: str | None = None) -> tuple[Receipt, ...]:
    """Every receipt of a backup that this region holds and that opens, oldest first; `of` another region."""
    shelf = Shelf(region, f"{layout.of_epoch(epoch_of(backup))}r/{backup}/{of or region.name}/")
    found = (_read(shelf, key, verify) for key in sorted(shelf.listed))
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.at))


def newest_receipts(region: Region, backup: str, verify: Verify) -> Mapping[str, Receipt]:
    """The newest receipt of each kind, by kind."""
    return {receipt.what: receipt for receipt in receipts(region, backup, verify)}


def _read(shelf: Shelf, key: str, verify: Verify) -> Receipt | None:
    for stored in shelf.candidates(key):
        try:
            data = shelf.get(stored)
            header = ReceiptHeader.checked(canonical_json(opened(data, key, verify).header), key)
        except (BackupDamaged, CorruptObject, NoSuchObject):
            continue
        receipt = Receipt.model_validate(header.model_dump(include=set(Receipt.model_fields)))
        name = f"{receipt.backup}/{receipt.region}/{receipt.what}."
        if name in key:
            return receipt
    return None
