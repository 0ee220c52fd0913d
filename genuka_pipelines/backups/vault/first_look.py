"""Whose keys lie where, listed once for all the owners of a night.

A night that begins an epoch looks for the keys of everybody; asked owner by owner, a folder reads the names of all
the others too, so that ten thousand owners took minutes and twice as many four times that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from genuka_pipelines.backups.format import layout
from genuka_pipelines.stores.errors import NoSuchStore, StoreUnreachable

if TYPE_CHECKING:
    from genuka_pipelines.stores.store import Store, Stored

DOWN = (StoreUnreachable, NoSuchStore)
"""What a region raises that does not answer."""
FEW = 16
"""Owners who are looked for one by one before everybody is listed."""
Listed = Mapping[str, Sequence["Stored"]]
"""Every version and marker, newest first, by key or by region."""


class FirstLook:
    """What each region listed of an owner's key; told once, since it grows old. Safe between threads."""

    def __init__(self, regions: Mapping[str, Store]) -> None:
        self._regions = regions
        self._asked: set[str] = set()
        self._listed: Mapping[str, Listed] | None = None
        self._alone = threading.Lock()

    def of(self, owner: str) -> Listed | None:
        """The versions of an owner's key by region. None for a few owners, a second time, and where a region is down:
        then look for this one."""
        with self._alone:
            again = owner in self._asked
            self._asked.add(owner)
            if again or len(self._asked) <= FEW:
                return None
            if self._listed is None:
                try:
                    self._listed = {region: by_key(store) for region, store in self._regions.items()}
                except DOWN:
                    return None
        path = layout.tenant_key(owner)
        return {region: listed.get(path, ()) for region, listed in self._listed.items()}


def by_key(store: Store, prefix: str = layout.KEYS) -> Listed:
    """Every version and marker of every key in a store, of owners or below a prefix."""
    found: dict[str, list[Stored]] = {}
    for one in store.list(prefix, versions=True):
        found.setdefault(one.key, []).append(one)
    return found


def owners_in(listed: Iterable[Listed]) -> frozenset[str]:
    """Whose keys these are, hidden ones too."""
    return frozenset(
        key.removeprefix(layout.KEYS)
        for each in listed
        for key, versions in each.items()
        if not all(one.marker for one in versions)
    )
