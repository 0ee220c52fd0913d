"""Carries the ledger's signed head into the backup stores, and holds the ledger against what they keep.

A chain that was rewritten throughout fits in itself; only an anchor that nobody could alter shows it.
So an anchor that is gone, or is no anchor any more, is named like an altered entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from genuka_pipelines.control import Anchor, Anchored, Ledger, LedgerDamaged, Problem
from genuka_pipelines.stores.errors import (
    AlreadyThere,
    CorruptObject,
    ForeignFile,
    InvalidKey,
    LockUnavailable,
    NoSuchObject,
)

if TYPE_CHECKING:
    from genuka_pipelines.runtime import Runtime
    from genuka_pipelines.stores.store import Store, Stored

PREFIX = "ledger/anchors/"
KEPT = timedelta(days=358)
"""As long as the backups beside it, and less than the twelve months that nothing outlives."""
_PLACE = re.compile(re.escape(PREFIX) + r"(\d{4}-\d{2}-\d{2})/(\d{12,})\.json")
_LARGEST = 4_096
"""Bytes; an anchor has some 300, and what lies in its place may have any number."""


class AnchorFault(StrEnum):
    """What became of an anchor in a store."""

    MISSING = "anchor_missing"
    DAMAGED = "anchor_damaged"


_SENTENCES = {
    AnchorFault.MISSING: "of {day}, which the ledger says was written, is no longer in the store {store}",
    AnchorFault.DAMAGED: "of {day} in the store {store} is not what was written: compare it with the other store's",
}


@dataclass(frozen=True, slots=True)
class AnchorProblem:
    """The anchor of entry `seq` and of `day` (ISO; both as its key says) in the store of a system."""

    seq: int
    what: AnchorFault
    store: str
    day: str

    def __str__(self) -> str:
        return f"the anchor of entry {self.seq}, " + _SENTENCES[self.what].format(day=self.day, store=self.store)


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries were read, and what is wrong with them and with their anchors."""

    entries: int
    problems: tuple[Problem | AnchorProblem, ...]

    @property
    def intact(self) -> bool:
        """Whether every entry, and every anchor that must still be there, is what was written."""
        return not self.problems


def anchor_ledger(runtime: Runtime, *, as_of: datetime, now: datetime) -> Anchor:
    """Put the signed head into every store that the facts name, then write that down."""
    ledger = runtime.control.ledger
    anchor = ledger.anchor(day=as_of.date(), sign=runtime.keyring.sign)
    stores = _stores(runtime)
    for store in stores.values():
        _put(store, _key(anchor.day, anchor.seq), anchor.to_bytes(), now + KEPT)
    ledger.append(
        Anchored(head=anchor.seq, head_hash=anchor.hash, stores=tuple(stores), day=as_of.date()),
        as_of=as_of,
        now=now,
    )
    return anchor


def _key(day: str, seq: int) -> str:
    return f"{PREFIX}{day}/{seq:012d}.json"


def _put(store: Store, key: str, data: bytes, until: datetime) -> None:
    try:
        store.put(key, data, retain_until=until)
    except AlreadyThere:
        return
    except LockUnavailable:
        store.put(key, data)


def verify_ledger(runtime: Runtime, now: datetime | None = None) -> Verified:
    """Recompute the chain, compare it with every anchor in every store, and miss those that are gone.

    An anchor is missed until `KEPT` after it was written, as seen from `now` (without it, from the
    ledger's last entry), in the stores that the facts still name. What cannot be reached is an error.
    """
    stores = _stores(runtime)
    # Before the stores: one that is written meanwhile is then found there, and not missed here.
    written = _written(runtime.control.ledger, now)
    good: dict[tuple[str, str], Anchor] = {}
    problems: list[AnchorProblem] = []
    for name, store in stores.items():
        for stored in store.list(PREFIX):
            try:
                good[name, stored.key] = _read(store, stored)
            except LedgerDamaged:
                problems.append(_damaged(name, stored.key))
    seen = {(name, anchor.day, anchor.seq) for (name, _), anchor in good.items()}
    seen |= {(problem.store, problem.day, problem.seq) for problem in problems}
    expected = dict.fromkeys((name, body.day.isoformat(), body.head) for body in written for name in body.stores)
    for name, day, head in expected:
        if name in stores and (name, day, head) not in seen:
            problems.append(AnchorProblem(head, AnchorFault.MISSING, name, day))
    found = runtime.control.ledger.verify(good.values(), verify_signature=runtime.keyring.verify)
    return Verified(found.entries, (*found.problems, *problems))


def _written(ledger: Ledger, now: datetime | None) -> list[Anchored]:
    """What the ledger says was anchored and must still be there."""
    found: list[tuple[datetime, Anchored]] = []
    after, last, whole = 0, None, False
    while not whole:
        try:
            for entry in ledger.entries(after):
                after, last = entry.seq, entry.at
                if isinstance(entry.body, Anchored):
                    found.append((entry.at, entry.body))
            whole = True
        except LedgerDamaged:
            # The chain names that entry; those after it are still to be read.
            after += 1
    moment = now or last
    return [body for at, body in found if moment and at + KEPT > moment]


def _read(store: Store, stored: Stored) -> Anchor:
    """The anchor at its own place; LedgerDamaged for anything else that lies there."""
    refusal = LedgerDamaged(f"{stored.key} in store {store.name} is not the anchor of that day")
    if stored.size > _LARGEST:
        raise refusal
    try:
        anchor = Anchor.from_bytes(store.get(stored.key), f"{store.name}:{stored.key}")
    except (CorruptObject, ForeignFile, InvalidKey, NoSuchObject, OverflowError, RecursionError):
        raise refusal from None
    if stored.key != _key(anchor.day, anchor.seq):
        raise refusal
    return anchor


def _damaged(store: str, key: str) -> AnchorProblem:
    """The day and entry of a damaged anchor, from its key; none, entry 0, where the key is not ours either."""
    place = _PLACE.fullmatch(key)
    return AnchorProblem(int(place[2]) if place else 0, AnchorFault.DAMAGED, store, place[1] if place else "no day")


def _stores(runtime: Runtime) -> dict[str, Store]:
    named = [system for ledger in runtime.catalog.ledgers.values() for system in ledger.anchored_in]
    return {system: runtime.store(system) for system in dict.fromkeys(named)}
