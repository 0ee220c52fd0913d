"""Everything that a backup rests on, from one region into the other.

A manifest says that a backup exists: so it comes after all that it names, and the night after every
owner. Nothing is remembered between runs: what is there is there, so a killed run is only run again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Verify
from genuka_pipelines.backups.format.manifest import Header, Named
from genuka_pipelines.backups.format.night import NightHeader
from genuka_pipelines.backups.regions.carrying import Carrier
from genuka_pipelines.backups.regions.catalogue import NO_CONTENTS, contents, listed, manifests_of
from genuka_pipelines.backups.regions.receipts import Receipt, newest_receipts, write_receipt
from genuka_pipelines.backups.regions.region import Region, Shredded, in_parallel, living, nobody
from genuka_pipelines.backups.regions.replicating_keys import replicate_erasures, replicate_keys
from genuka_pipelines.backups.regions.shelf import Found, Shelf
from genuka_pipelines.backups.regions.tally import Progress, Tally
from genuka_pipelines.keys.signing import SigningKey

WORKERS = 4


@dataclass(frozen=True, slots=True)
class Replicated:
    """`objects` are all that the target should hold: those copied (and their bytes), those already there.

    `missing`: keys of which the source has no good copy, or has it under a manifest that it lacks; what
    rests on them was not written. `differing`: keys never rewritten that hold other bytes in each region.
    """

    source: str
    target: str
    objects: int
    bytes: int
    copied: int
    already: int
    missing: tuple[str, ...]
    differing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """The target lacks nothing that the source names."""
        return not (self.missing or self.differing)


def replicate(
    source: Region,
    target: Region,
    *,
    verify: Verify,
    now: datetime,
    backups: Collection[str] | None = None,
    shredded: Shredded = nobody,
    suspects: Collection[str] = (),
    signing: SigningKey | None = None,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> Replicated:
    """Copies the nights `backups` (all that are still locked at `now`) with every manifest they name, and the keys.

    Manifests that no night names are copied too where no `backups` are given. An object that a manifest
    already in the target names is trusted where it is listed there with its size, unless it is among the
    `suspects` (keys), which are read. With `signing` a receipt is written for each whole night that has none.
    Memory: a few MiB for each of 2 × `workers` threads, and one owner's listing. Degraded, naming the
    region that is down; ClocksApart before anything is written.
    """
    source.agrees_on_time()
    target.agrees_on_time()
    tally = Tally(progress)
    replicate_keys(source, target, shredded, tally)
    replicate_erasures(source, target, now, tally)
    with ThreadPoolExecutor(workers) as carriers:
        run = _Run(source, target, verify, now, frozenset(suspects), tally, carriers, workers)
        nights = run.epochs(None if backups is None else frozenset(backups))
    result = Replicated(
        source.name,
        target.name,
        tally.copied + tally.already + len(tally.missing),
        tally.bytes,
        tally.copied,
        tally.already,
        tuple(sorted(tally.missing)),
        tuple(sorted(tally.differing)),
    )
    if signing is not None:
        _write_receipts(target, nights, result, verify, now, signing)
    return result


@dataclass
class _Run:
    source: Region
    target: Region
    verify: Verify
    now: datetime
    suspects: frozenset[str]
    tally: Tally
    carriers: ThreadPoolExecutor
    workers: int
    whole: set[tuple[str, str]] = field(default_factory=set)
    """The (owner, backup) of which the target now holds the whole closure."""
    seen: set[tuple[str, str]] = field(default_factory=set)

    def epochs(self, backups: frozenset[str] | None) -> tuple[str, ...]:
        """The nights that the target holds whole afterwards."""
        alive = living(self.now)
        asked = alive if backups is None else tuple(sorted({epoch_of(each) for each in backups} & set(alive)))
        done: list[str] = []
        for epoch in asked:
            done += self._epoch(epoch, backups)
        for backup in backups or ():
            if epoch_of(backup) not in alive:
                self.tally.add("missing", layout.night(backup))
        return tuple(done)

    def _epoch(self, epoch: Epoch, backups: frozenset[str] | None) -> list[str]:
        inside = contents(self.source, epoch) if backups is None else NO_CONTENTS
        if backups is None and self.suspects:  # the target's own may need a lock, though the source knows nothing of it
            inside = inside.joined(contents(self.target, epoch))
        if backups is None and not inside:
            return []
        prefix = f"{layout.of_epoch(epoch)}n/"
        here, there = Shelf(self.source, prefix), Shelf(self.target, prefix)
        names = inside.nights if backups is None else {each for each in backups if epoch_of(each) == epoch}
        nights = {name: here.night(name, self.verify) or there.night(name, self.verify) for name in sorted(names)}
        self._owners(epoch, inside.owners, nights)
        return [name for name, night in nights.items() if self._night(name, night, Carrier(here, there))]

    def _owners(self, epoch: Epoch, owners: Collection[str], nights: Mapping[str, Found[NightHeader] | None]) -> None:
        wanted: dict[tuple[Epoch, str], set[str]] = {(epoch, owner): set() for owner in owners}
        for night in nights.values():
            for owner, state in night.header.owners.items() if night else ():
                if state.backup is not None and (owner, state.backup) not in self.seen:
                    wanted.setdefault((epoch_of(state.backup), owner), set()).add(state.backup)
        in_parallel(
            lambda each: self._owner(each[0], each[1], wanted[each], everything=each[1] in owners),
            [each for each in sorted(wanted) if each[0].locked_until > self.now],
            self.workers,
        )

    def _owner(self, epoch: Epoch, owner: str, backups: Collection[str], *, everything: bool) -> None:
        prefix = layout.of_owner(epoch, owner)
        carrier = Carrier(Shelf(self.source, prefix), Shelf(self.target, prefix))
        named = {*backups, *(listed(carrier.source, epoch) if everything else ())}
        here = manifests_of(carrier.source, owner, named, self.verify)
        for backup in sorted(here):
            self.seen.add((owner, backup))
            listed_there = carrier.target.listed.get(layout.manifest(backup, owner))
            there = (
                carrier.target.manifest(owner, backup, self.verify, known=here[backup])
                if listed_there or here[backup] is None
                else None
            )
            if self._manifest(here[backup], there, carrier):
                self.whole.add((owner, backup))
            elif here[backup] is None and there is None:
                self.tally.add("missing", layout.manifest(backup, owner))

    def _manifest(self, here: Found[Header] | None, there: Found[Header] | None, carrier: Carrier) -> bool:
        """Whether the target holds the manifest and all that it rests on."""
        found = here or there
        if found is None:
            return False
        header = found.header
        needed = []
        for each in header.objects:
            if there is not None and self._trusted(carrier.target, each):
                self.tally.add("already", each.key)
            else:
                needed.append(each)
        # The last is carried here, where somebody would wait for it: most owners need one or two.
        waiting = [self.carriers.submit(self._carry, carrier, each, header.retain_until) for each in needed[:-1]]
        arrived = [self._carry(carrier, each, header.retain_until) for each in needed[-1:]]
        arrived += [future.result() for future in waiting]
        if not all(arrived) or any((header.owner, before) not in self.whole for before in header.chain):
            if there is None:
                self.tally.add("missing", found.named.key)
            return False
        if there is not None and found.named.key not in self.suspects:
            self.tally.add("already", found.named.key)
            return True
        return self._carry(carrier, found.named, header.retain_until)

    def _night(self, name: str, night: Found[NightHeader] | None, carrier: Carrier) -> bool:
        if night is None:
            self.tally.add("missing", layout.night(name))
            return False
        owners = night.header.owners.items()
        whole = all(
            (owner, state.backup) in self.whole or epoch_of(state.backup).locked_until <= self.now
            for owner, state in owners
            if state.backup is not None
        )
        if not whole:
            self.tally.add("missing", night.named.key)
            return False
        return self._carry(carrier, night.named, night.header.retain_until)

    def _carry(self, carrier: Carrier, named: Named, until: datetime) -> bool:
        reading = named.key in self.suspects
        done = carrier.carry(named, until, reading=reading)
        self.tally.add(done, named.key, named.bytes)
        return done != "missing"

    def _trusted(self, target: Shelf, named: Named) -> bool:
        if named.key in self.suspects:
            return False
        return any(stored.size == named.bytes for stored in target.listed.get(named.key, ()))


def _write_receipts(
    target: Region, nights: Collection[str], result: Replicated, verify: Verify, now: datetime, signing: SigningKey
) -> None:
    """One for each night that is whole and has none yet."""
    counts = {"objects": result.objects, "copied": result.copied, "bytes": result.bytes}
    for night in nights:
        if "replicated" not in newest_receipts(target, night, verify):
            receipt = Receipt(what="replicated", backup=night, region=target.name, at=now, counts=counts)
            write_receipt(target, receipt, signing)
