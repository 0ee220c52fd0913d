"""The versions of one key alone.

A prefix is a string, so a folder that lists one key reads the names of all its neighbours: asked for the key of
each of ten thousand owners, it would read a hundred million names.
"""

from __future__ import annotations

from itertools import takewhile

from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Store, Stored


def versions_of(store: Store, key: str) -> tuple[Stored, ...]:
    """Every version and marker of exactly this key, newest first."""
    if isinstance(store, FolderStore):
        return store.versions(key)
    # Listings are ordered, and a key comes before those it begins.
    return tuple(takewhile(lambda one: one.key == key, store.list(key, versions=True)))
