"""Carries the ledger's signed head into the backup stores, and holds the ledger against what they keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from genuka_pipelines.control import Anchor, Anchored, Verification
from genuka_pipelines.stores.errors import LockUnavailable

if TYPE_CHECKING:
    from genuka_pipelines.runtime import Runtime
    from genuka_pipelines.stores.store import Store

PREFIX = "ledger/anchors/"
KEPT = timedelta(days=358)
"""As long as the backups beside it, and less than the twelve months that nothing outlives."""


def anchor_ledger(runtime: Runtime, *, as_of: datetime, now: datetime) -> Anchor:
    """Put the signed head into every store that the facts name, then write that down."""
    ledger = runtime.control.ledger
    anchor = ledger.anchor(day=as_of.date(), sign=runtime.keyring.sign)
    stores = _stores(runtime)
    for store in stores.values():
        _put(store, f"{PREFIX}{anchor.day}/{anchor.seq:012d}.json", anchor.to_bytes(), now + KEPT)
    ledger.append(
        Anchored(head=anchor.seq, head_hash=anchor.hash, stores=tuple(stores), day=as_of.date()),
        as_of=as_of,
        now=now,
    )
    return anchor


def _put(store: Store, key: str, data: bytes, until: datetime) -> None:
    from genuka_pipelines.stores.errors import AlreadyThere

    try:
        store.put(key, data, retain_until=until)
    except AlreadyThere:
        return
    except LockUnavailable:
        store.put(key, data)


def verify_ledger(runtime: Runtime) -> Verification:
    """Recompute the chain and compare it with every anchor in every store."""
    return runtime.control.ledger.verify(_anchors(runtime), verify_signature=runtime.keyring.verify)


def _anchors(runtime: Runtime) -> Iterator[Anchor]:
    for name, store in _stores(runtime).items():
        for stored in store.list(PREFIX):
            yield Anchor.from_bytes(store.get(stored.key), f"{name}:{stored.key}")


def _stores(runtime: Runtime) -> dict[str, Store]:
    named = [system for ledger in runtime.catalog.ledgers.values() for system in ledger.anchored_in]
    return {system: runtime.store(system) for system in dict.fromkeys(named)}
