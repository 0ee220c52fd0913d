"""Publishes: everything that analysts open is made anew, aside, of the releases of the store, and then moved.

Nothing of it is a source: a catalogue that is lost or damaged is made again and costs no budget. Where
a release cannot be read, the catalogue of before stays, for one with a hole would be believed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from genuka_pipelines.analytics.publishing import catalogue, dictionary, notebook
from genuka_pipelines.analytics.publishing.columns import check_names
from genuka_pipelines.analytics.publishing.declared import Declared, declared_tables
from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.publishing.errata import Erratum, errata_in
from genuka_pipelines.analytics.publishing.manifests import put_manifests
from genuka_pipelines.analytics.publishing.objects import holds, replace_object
from genuka_pipelines.analytics.publishing.surroundings import Publishing
from genuka_pipelines.analytics.publishing.warehouse import Copied, copy_to_warehouse
from genuka_pipelines.analytics.releases.calendar import last_complete
from genuka_pipelines.analytics.releases.debts import settle
from genuka_pipelines.analytics.releases.release import FOLDER, STORE, slots_in
from genuka_pipelines.control.errors import LeaseTaken
from genuka_pipelines.stores.errors import NoSuchObject
from genuka_pipelines.stores.store import Store

INDEX = "catalogue.json"
_VERSION = 1
"""Raise it when the same releases are to be published in another form."""
_LEASE = timedelta(minutes=2)
_PATIENCE = timedelta(minutes=5)
_BLINK = 0.2


@dataclass(frozen=True)
class Published:
    """What analysts can open now. `objects`: SHA-256 by key. `changed`: False where all was there already.

    `entries` is empty where nothing had to be made. `copied`: the copy for BI tools, None where there is none.
    """

    tables: tuple[str, ...]
    objects: Mapping[str, str]
    changed: bool
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    copied: Copied | None = None


def publish(house: Publishing, *, now: datetime, again: bool = False) -> Published:
    """Make the catalogue, its dictionary, notebook and manifests of what the store holds; with `again`, in any case.

    A release that nobody is known to have paid for is debited first. Whoever publishes meanwhile is waited for.
    Raises what says that a release is damaged (exit 1), CannotPublish and LeaseTaken; the catalogue of before is
    then still there.
    """
    declared = declared_tables(house.catalog)
    check_names({name: one.table for name, one in declared.items()})
    store = house.store(STORE)
    with _alone(house) as lease_holds:
        settle(house, now=now)
        errata = errata_in(store)
        basis = _basis(store, declared, errata, now, _copies_to(house))
        if not again and (there := _unchanged(store, basis)):
            return there
        folder = _fresh(house.staging / ".publishing")
        try:
            return _published(house, folder, declared, errata, basis, now, lease_holds, again=again)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _published(
    house: Publishing,
    folder: Path,
    declared: Mapping[str, Declared],
    errata: Sequence[Erratum],
    basis: str,
    now: datetime,
    lease_holds: Callable[[], None],
    *,
    again: bool,
) -> Published:
    store = house.store(STORE)
    entries = catalogue.build(folder, store, declared, errata, now)
    file = folder / catalogue.FILE
    pages = {name: dictionary.dictionary(file, entries, lang, now).encode() for lang, name in dictionary.FILES.items()}
    pages[notebook.FILE] = notebook.notebook().encode()
    lease_holds()
    put_manifests(store, entries, again=again)
    objects = {catalogue.FILE: replace_object(store, catalogue.FILE, file)}
    objects |= {name: replace_object(store, name, data) for name, data in pages.items()}
    copied = None
    if "analytics" in house.settings.databases:
        copied = copy_to_warehouse(house.settings.url("analytics"), file)
    # Last, so that what a killed publisher left is made again.
    index = {"basis": basis, "made": now.isoformat(), "tables": [one.name for one in entries], "objects": objects}
    replace_object(store, INDEX, (json.dumps(index, indent=1) + "\n").encode())
    return Published(tuple(one.name for one in entries), objects, changed=True, entries=entries, copied=copied)


@contextmanager
def _alone(house: Publishing) -> Iterator[Callable[[], None]]:
    """While no other process publishes; the value raises LeaseLost once that is no longer sure."""
    until = time.monotonic() + _PATIENCE.total_seconds()
    with ExitStack() as held:
        while True:
            try:
                lease = held.enter_context(
                    house.control.leases.hold("analytics_catalogue", "all", uuid.uuid4().hex, _LEASE)
                )
                break
            except LeaseTaken:
                if time.monotonic() > until:
                    raise
            time.sleep(_BLINK)
        yield lease.check


def _basis(
    store: Store, declared: Mapping[str, Declared], errata: Sequence[Erratum], now: datetime, copied: str
) -> str:
    """A fingerprint of all that the catalogue follows from."""
    digest = hashlib.sha256(f"{_VERSION} {copied}".encode())
    for name, one in declared.items():
        last = last_complete(one.table.period.every, one.table.settles, now)
        digest.update(f"{name} {one.spec} {last} {one.table.fingerprint} {one.unit.fingerprint}\n".encode())
    for stored in slots_in(store, f"{FOLDER}/").values():
        made = stored.sha256 or f"{stored.size} {stored.created.astimezone(UTC).isoformat()}"
        digest.update(f"{stored.key} {made}\n".encode())
    for erratum in errata:
        digest.update(f"{erratum.key}\n".encode())
    return digest.hexdigest()


def _copies_to(house: Publishing) -> str:
    """The address of the copy for BI tools, without its secret; empty where there is none."""
    return str(house.settings.url("analytics")) if "analytics" in house.settings.databases else ""


def _unchanged(store: Store, basis: str) -> Published | None:
    """What is there, if it was made of the same and all of it is whole."""
    try:
        index = json.loads(store.get(INDEX))
        same = index["basis"] == basis and all(holds(store, key, sha256) for key, sha256 in index["objects"].items())
        return Published(tuple(index["tables"]), index["objects"], changed=False) if same else None
    except (NoSuchObject, ValueError, KeyError, TypeError, AttributeError):
        return None


def _fresh(folder: Path) -> Path:
    """An empty private folder; what a killed publisher left in it goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
