"""One night of backups: captured once, brought into every region, looked at in each, and signed for.

A region that is down makes a night degraded and never done; whoever runs this again brings what is lacking.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import NoSuchBackup
from genuka_pipelines.backups.regions import nights
from genuka_pipelines.backups.regions.opened import destroyed_in, region_of, regions_of, shredded_in, vault_of, verified
from genuka_pipelines.backups.regions.receipts import newest_receipts, write_receipt
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.repairing import Repaired, repair
from genuka_pipelines.backups.regions.replicating import Replicated, replicate
from genuka_pipelines.backups.regions.tally import Progress
from genuka_pipelines.backups.regions.verifying import Reads, Verified, everything, nothing
from genuka_pipelines.backups.restoring.erasure_list import publish_erasures
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.stores.errors import StoreUnreachable

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.catalog.backup import BackupPlan

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Brought:
    """What a region holds after it was brought up to the others: copied from each, then looked at.

    `down` are the others that did not answer: what only they hold may be lacking.
    """

    region: str
    copied: tuple[Replicated, ...]
    verified: Verified
    down: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """It holds what every other holds, and nothing in it is bad."""
        return not self.down and self.verified.passed and all(one.complete for one in self.copied)


def prepare_regions(house: Backupable, plan: BackupPlan, *, now: datetime) -> None:
    """Publish the erasures since the last time, and put tenants' keys where a region lacks them.

    Keys wait for a night on which every region answers: which of two is right is seen only beside the other.
    """
    publish_erasures(house, now)
    with suppress(Degraded, StoreUnreachable):
        vault_of(house, plan).mend()


def bring(
    house: Backupable,
    plan: BackupPlan,
    name: str,
    *,
    clock: Clock,
    backups: Collection[str] | None = None,
    reads: Reads = nothing,
    progress: Progress | None = None,
) -> Brought:
    """Copy into a region what the others hold and it lacks (of the nights `backups`, or of all that are locked
    still), look at it, and leave a signed receipt under its newest night. Degraded where the region itself is down.
    """
    target, keyring = region_of(house, plan, name), house.keyring
    shredded = shredded_in(house.control.ledger)
    copied, down = [], []
    for other in plan.regions:
        if other == name:
            continue
        try:
            source = region_of(house, plan, other)
            # What a source does not list, it need not give: it may be about to be brought there.
            theirs = None if backups is None else nights.names(source, clock()) & set(backups)
            copied.append(
                replicate(
                    source,
                    target,
                    verify=keyring.verify,
                    now=clock(),
                    backups=theirs,
                    shredded=shredded,
                    signing=keyring.signing,
                    progress=progress,
                )
            )
        except Degraded as error:
            if error.region == name:
                raise
            down.append(error.region)
    found = verified(house, target, now=clock(), reads=reads, backups=backups)
    sign_for(house, target, found, now=clock())
    return Brought(name, tuple(copied), found, tuple(down))


def sign_for(house: Backupable, region: Region, found: Verified, *, now: datetime) -> None:
    """Leave the receipt of a verification under the newest night of a region; none where it holds none."""
    newest = nights.newest(region, verify=house.keyring.verify, now=now)
    if newest is not None:
        write_receipt(region, found.receipt(newest.backup, now), house.keyring.signing)


def newest_verified(house: Backupable, plan: BackupPlan, owner: str, *, now: datetime) -> datetime | None:
    """When the newest backup of an owner was made that every region holds and verified; None for none."""
    try:
        found = [_verified_in(house, region, owner, now) for region in regions_of(house, plan).values()]
    except Degraded:
        # What a region that is down holds is not known, and so proves nothing.
        return None
    return min((one for one in found if one), default=None) if all(found) else None


def _verified_in(house: Backupable, region: Region, owner: str, now: datetime) -> datetime | None:
    for night in nights.headers(region, verify=house.keyring.verify, now=now):
        state = night.owners.get(owner)
        receipt = newest_receipts(region, night.backup, house.keyring.verify).get("verified")
        if state is not None and state.backup is not None and not state.failed and receipt and receipt.passed:
            return night.created
    return None


def of_night(house: Backupable, plan: BackupPlan, night: str, *, now: datetime) -> tuple[str, ...]:
    """The backups that were begun on a local day (`2026-11-22`), in any region that answers, oldest first.

    NoSuchBackup for none.
    """
    found: set[str] = set()
    for name in plan.regions:
        with suppress(Degraded):
            headers = nights.headers(region_of(house, plan, name), verify=house.keyring.verify, now=now)
            found |= {header.backup for header in headers if night_of(header.created).isoformat() == night}
    if not found:
        raise NoSuchBackup(f"nothing was captured in the night of {night}: a night that is over cannot be captured")
    return tuple(sorted(found))


def look(house: Backupable, plan: BackupPlan, name: str, *, full: bool, now: datetime) -> Verified:
    """Look at all that a region holds, with `full` read it too, and leave a receipt. Degraded where it is down."""
    region = region_of(house, plan, name)
    found = verified(house, region, now=now, reads=everything if full else nothing)
    sign_for(house, region, found, now=now)
    return found


def mend(house: Backupable, plan: BackupPlan, *, now: datetime) -> tuple[Repaired, ...]:
    """Repair every region from the one written first, and that one from each: what is bad, and what is left."""
    first, *others = regions_of(house, plan).values()
    keyring, shredded = house.keyring, shredded_in(house.control.ledger)
    found: dict[str, Repaired] = {}
    for other in others:
        both = repair(
            first,
            other,
            verify=keyring.verify,
            now=now,
            shredded=shredded,
            destroyed=destroyed_in(house.control.ledger),
            signing=keyring.signing,
        )
        found |= {one.region: one for one in both}
    return tuple(found.values())


def lacking(house: Backupable, plan: BackupPlan, *, now: datetime) -> dict[str, tuple[str, ...]]:
    """By region the nights, oldest first, that another region lists and it does not; without regions that are down.

    A few short listings, nothing read: what a night rests on is looked at by whoever brings it.
    """
    listed: dict[str, frozenset[str]] = {}
    for name in plan.regions:
        try:
            listed[name] = nights.names(region_of(house, plan, name), now)
        except Degraded:
            continue
    every = frozenset[str]().union(*listed.values())
    return {name: tuple(sorted(every - there)) for name, there in listed.items() if every - there}
