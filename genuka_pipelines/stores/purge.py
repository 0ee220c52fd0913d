"""Destroying every version of an object.

Where versions are kept, deleting a key only hides it: an expired export or a replaced table would
stay readable to whoever asks for its version.
"""

from __future__ import annotations

from genuka_pipelines.stores.store import Store


def purge(store: Store, key: str, *, keep_current: bool = False) -> int:
    """Delete all versions and markers of `key`, oldest first; return how many. Locked if one is retained.

    Oldest first, so that no older version ever shows again; what was deleted before a failure stays
    deleted. `keep_current` spares the newest version unless it is a marker.
    """
    found = []
    for version in store.list(key, versions=True):
        if version.key != key:
            break  # listings are ordered, and a key comes before those it begins
        found.append(version)
    doomed = [v for v in reversed(found) if not (keep_current and v.current and not v.marker)]
    for version in doomed:
        store.delete(key, version=version.version)
    return len(doomed)
