"""A tenant's key is destroyed by two people, some weeks apart, and never while somebody has to keep its data.

What goes here cannot be had again from anywhere; so it is announced, waits out its grace, is confirmed
by somebody else, and is in the ledger before and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import BackupError
from genuka_pipelines.backups.vault.vault import RULE
from genuka_pipelines.control.bodies import KeyShredded, Planned, ShreddingAnnounced
from genuka_pipelines.rows.holding import live_holds
from genuka_pipelines.rows.selection import OfTenants

if TYPE_CHECKING:
    from genuka_pipelines.backups.owner import Owner
    from genuka_pipelines.backups.vault.vault import Vault
    from genuka_pipelines.catalog.period import Period
    from genuka_pipelines.control import Entry
    from genuka_pipelines.keys.shredding import Receipt
    from genuka_pipelines.rows.house import House


class NotToBeShredded(BackupError):
    """A key may not be destroyed, or not yet, or not by this person."""


def announce_shredding(house: House, owner: Owner, *, by: str, now: datetime) -> datetime:
    """Say, durably, that a tenant's key is to be destroyed; since when that is known.

    `by` is the id of somebody of the staff. Said twice, the first time counts.
    """
    _refuse_platform(owner)
    known = announcement(house, owner)
    if known is None:
        said = ShreddingAnnounced(owner=owner.id, by=_person(house, by))
        known = house.control.ledger.append(said, as_of=now, now=now)
    return known.at


def withdraw_shredding(house: House, owner: Owner, *, by: str, now: datetime) -> None:
    """Take an announcement back; nothing where there is none."""
    if announcement(house, owner) is not None:
        said = ShreddingAnnounced(owner=owner.id, by=_person(house, by), withdrawn=True)
        house.control.ledger.append(said, as_of=now, now=now)


def announcement(house: House, owner: Owner) -> Entry[ShreddingAnnounced] | None:
    """The announcement that stands: neither withdrawn nor carried out."""
    said = next(iter(house.control.ledger.latest(ShreddingAnnounced, owner.id)), None)
    done = next(iter(house.control.ledger.latest(KeyShredded, owner.id)), None)
    if said is None or said.body.withdrawn or (done is not None and done.body.announced == said.seq):
        return None
    return said


def confirm_shredding(house: House, vault: Vault, owner: Owner, *, by: str, grace: Period, now: datetime) -> Receipt:
    """Destroy a tenant's key in every region for good; `grace` is the backup plan's `shredded_after`.

    NotToBeShredded before the grace is over, by who announced it, and while a hold on the tenant binds. What an
    interrupted confirmation began, anybody finishes, unless there is a hold by now. Every region must answer.
    """
    _refuse_platform(owner)
    ledger, root = house.control.ledger, vault.root_of(owner.id)
    said = announcement(house, owner)
    with house.control.holds.gate(now) as gate:
        selections = [hold.selection for hold in live_holds(gate, house.keyring)]
        if any(isinstance(held, OfTenants) and owner.tenant in held.tenants for held in selections):
            raise NotToBeShredded("a hold keeps this tenant's data, its backups too: release the hold first")
        intent = next((one for one in ledger.open_intents(RULE) if one.planned.root == root), None)
        if intent is None:
            known = _due(said, grace, now)
            if known.body.by == _person(house, by):
                raise NotToBeShredded("who announced it cannot also confirm it: ask somebody else to")
            # What a run that is killed destroys, no later one can look at any more.
            there = json.dumps(vault.copies(owner.id)).encode()
            planned = Planned(rule=RULE, table="tenant_keys", count=1, root=root)
            intent = ledger.intend(planned, as_of=now, now=now, sealed=there)
        receipt = vault.shred(owner.id, now=now)
        gate.check()
    receipt = replace(receipt, found=_named((*json.loads(intent.sealed or b"[]"), *receipt.found)))
    if said is not None:
        # Before the outcome: until that is written, nobody makes another key.
        done = KeyShredded(owner=owner.id, announced=said.seq, by=_person(house, by), found=dict(receipt.found))
        ledger.append(done, as_of=now, now=now)
    ledger.outcome(intent, count=1, root=root, as_of=now, now=now)
    return receipt


def _named(copies: Iterable[tuple[str, str | None]]) -> tuple[tuple[str, str | None], ...]:
    """Each copy by its region, and what else was there by `<region>_2` and so on; a region that had none too."""
    found: dict[str, dict[str, None]] = {}
    for region, sha256 in copies:
        found.setdefault(region, {}).update({sha256: None} if sha256 else {})
    return tuple(
        (region if number == 1 else f"{region}_{number}", sha256)
        for region, there in found.items()
        for number, sha256 in enumerate(there or (None,), 1)
    )


def _due(said: Entry[ShreddingAnnounced] | None, grace: Period, now: datetime) -> Entry[ShreddingAnnounced]:
    if said is None:
        raise NotToBeShredded("no shredding of this tenant's key is announced: announce it, and wait out its grace")
    if now < grace.end(said.at):
        raise NotToBeShredded(f"this tenant's key may be destroyed from {grace.end(said.at):%Y-%m-%d %H:%M} UTC on")
    return said


def _refuse_platform(owner: Owner) -> None:
    if owner.tenant is None:
        raise NotToBeShredded("the platform's own key is nobody's to destroy: name a tenant")


def _person(house: House, by: str) -> str:
    return house.keyring.erasure.hex(f"backup staff\x1f{by}".encode())
