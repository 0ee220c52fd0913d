"""The manifest of each release as a JSON file beside the Parquet, for whoever asks how a figure was protected."""

from __future__ import annotations

from collections.abc import Iterable

from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.publishing.objects import replace_object
from genuka_pipelines.analytics.releases.release import Manifest, Slot
from genuka_pipelines.stores.store import Store

FOLDER = "manifests"


def manifest_path(slot: Slot) -> str:
    """The key of a release's manifest."""
    return f"{FOLDER}/{slot.table}/{slot.period}.{slot.spec}.json"


def manifest_bytes(manifest: Manifest) -> bytes:
    """Its JSON file."""
    return (manifest.model_dump_json(indent=1) + "\n").encode()


def put_manifests(store: Store, entries: Iterable[Entry], *, again: bool) -> None:
    """Put those that are missing or of another size, for what is there was made of the same; with `again`, all."""
    there = {stored.key: stored.size for stored in store.list(f"{FOLDER}/")}
    for entry in entries:
        for manifest in entry.manifests:
            path, data = manifest_path(manifest.slot), manifest_bytes(manifest)
            if again or there.get(path) != len(data):
                replace_object(store, path, data)
