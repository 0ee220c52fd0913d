"""Reads the releases that the store holds, a few at a time, and chooses which of them are shown.

A definition may change over the years while its releases stay: those that have the same columns go on in
one table, those that have not get one of their own, and none is lost or taken for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from genuka_pipelines.analytics.releases.release import Manifest, Release, Slot, from_bytes, release_path
from genuka_pipelines.stores.store import Store

_READERS = 8
_AHEAD = 32
"""So many releases are in memory at once."""


@dataclass(frozen=True, order=True)
class Shape:
    """What two releases must share to stand in one table."""

    dimensions: tuple[str, ...]
    measures: tuple[str, ...]


def shape_of(manifest: Manifest) -> Shape:
    """The shape of a release."""
    return Shape(manifest.dimensions, manifest.measures)


def read_releases(store: Store, slots: Iterable[Slot]) -> Iterator[list[Release]]:
    """The releases of these slots, in order and in batches.

    CorruptObject or ReleaseDamaged names one that is not what was put.
    """
    left = iter(slots)
    with ThreadPoolExecutor(_READERS) as readers:
        while some := list(islice(left, _AHEAD)):
            yield list(readers.map(lambda slot: _read(store, slot), some))


def shown(manifests: Sequence[Manifest], spec: str) -> Mapping[Shape, list[Manifest]]:
    """For each shape the releases that are shown, by period: the present definition's, else the newest made."""
    chosen: dict[tuple[Shape, str], Manifest] = {}
    for manifest in manifests:
        place = shape_of(manifest), manifest.period
        rival = chosen.get(place)
        if rival is None or _rank(manifest, spec) > _rank(rival, spec):
            chosen[place] = manifest
    found: dict[Shape, list[Manifest]] = {}
    for (shape, _), manifest in sorted(chosen.items(), key=lambda item: item[1].begins):
        found.setdefault(shape, []).append(manifest)
    return found


def _rank(manifest: Manifest, spec: str) -> tuple[object, ...]:
    return manifest.spec == spec, manifest.made, manifest.spec


def _read(store: Store, slot: Slot) -> Release:
    key = release_path(slot)
    return from_bytes(store.get(key), key)
