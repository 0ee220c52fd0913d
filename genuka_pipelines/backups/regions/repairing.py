"""What one region lost or damaged, taken from the other, in both directions.

Two copies that are never compared become one copy at the first silent fault. Nothing is ever deleted
here: good bytes are put above damaged ones, and readers believe the hash, not the newest.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from genuka_pipelines.backups.format.envelope import Verify
from genuka_pipelines.backups.regions.catalogue import contents
from genuka_pipelines.backups.regions.receipts import Receipt, write_receipt
from genuka_pipelines.backups.regions.region import Region, Shredded, living, nobody
from genuka_pipelines.backups.regions.replicating import Replicated, replicate
from genuka_pipelines.backups.regions.tally import Progress
from genuka_pipelines.backups.regions.verifying import Bad, Reads, Verified, everything, verify_region
from genuka_pipelines.keys.signing import SigningKey

WORKERS = 4
_TURNS = 3


@dataclass(frozen=True, slots=True)
class Repaired:
    """Of one region: what was bad before, what is bad still, and how many objects came from the other."""

    region: str
    found: tuple[Bad, ...]
    left: tuple[Bad, ...]
    copied: int
    bytes: int

    @property
    def whole(self) -> bool:
        """Nothing is bad any more."""
        return not self.left

    def then(self, came: Replicated, known: Verified) -> Repaired:
        """After one more turn."""
        found = tuple(sorted({*self.found, *known.bad}))
        return Repaired(self.region, found, known.bad, self.copied + came.copied, self.bytes + came.bytes)


def repair(
    one: Region,
    other: Region,
    *,
    verify: Verify,
    now: datetime,
    reads: Reads = everything,
    backups: Collection[str] | None = None,
    shredded: Shredded = nobody,
    destroyed: Collection[str] = (),
    signing: SigningKey | None = None,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> tuple[Repaired, Repaired]:
    """Verifies both regions, copies each way what the other has good, and looks again at what was bad.

    A lock that is missing or short is set anew, or a locked version put above. What is damaged in both
    stays bad and is left as it is; a foreign object and a shredded key are told, not touched. With
    `signing` a receipt says what was mended, of each region that was not whole. Degraded, ClocksApart.
    """

    def looked(region: Region, reads: Reads) -> Verified:
        return verify_region(
            region,
            verify=verify,
            now=now,
            reads=reads,
            backups=backups,
            shredded=shredded,
            destroyed=destroyed,
            workers=workers,
        )

    def copied(source: Region, target: Region, bad: Verified) -> Replicated:
        return replicate(
            source,
            target,
            verify=verify,
            now=now,
            backups=backups,
            shredded=shredded,
            suspects=frozenset(bad.bad_keys()),
            workers=workers,
            progress=progress,
        )

    known = {region.name: looked(region, reads) for region in (one, other)}
    mended = {name: Repaired(name, bad.bad, bad.bad, 0, 0) for name, bad in known.items()}
    for _ in range(_TURNS):
        came = {
            other.name: copied(one, other, known[other.name]),
            one.name: copied(other, one, known[one.name]),
        }
        # What only a damaged manifest named was not looked at before that one was mended.
        anew = any("/m/" in key or "/n/" in key for bad in known.values() for key in bad.bad_keys())
        before = known
        known = {
            region.name: looked(region, reads if anew else frozenset(before[region.name].bad_keys()).__contains__)
            if before[region.name].bad or came[region.name].copied
            else before[region.name]
            for region in (one, other)
        }
        mended = {name: mended[name].then(came[name], known[name]) for name in known}
        if not anew or all(bad.passed for bad in known.values()):
            break
    for region in (one, other):
        if signing is not None and (mended[region.name].found or mended[region.name].copied):
            _write_receipt(region, mended[region.name], now, signing)
    return mended[one.name], mended[other.name]


def _write_receipt(region: Region, repaired: Repaired, now: datetime, signing: SigningKey) -> None:
    """Under the newest night of the region; a region without any has nothing to write it under."""
    nights = [night for epoch in living(now) for night in contents(region, epoch).nights]
    if nights:
        counts = {"found": len(repaired.found), "left": len(repaired.left), "copied": repaired.copied}
        bad = tuple(each.key for each in repaired.left)
        backup = max(nights)
        receipt = Receipt(what="repaired", backup=backup, region=region.name, at=now, counts=counts, bad=bad)
        write_receipt(region, receipt, signing)
