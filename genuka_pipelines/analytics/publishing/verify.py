"""Verifies what analysts open: that it is there, whole, and tells what the releases tell.

It is made anew from the releases and compared row by row; a catalogue that vouches for itself would
go on telling what a program's fault once put there.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genuka_pipelines.analytics.publishing import catalogue, dictionary, notebook
from genuka_pipelines.analytics.publishing.completeness import GRACE, missing_periods
from genuka_pipelines.analytics.publishing.declared import Declared, declared_tables
from genuka_pipelines.analytics.publishing.duck import literal, quoted
from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.publishing.errata import errata_in
from genuka_pipelines.analytics.publishing.manifests import manifest_bytes, manifest_path
from genuka_pipelines.analytics.publishing.objects import holds
from genuka_pipelines.analytics.publishing.publish import INDEX
from genuka_pipelines.analytics.publishing.quality import unmet
from genuka_pipelines.analytics.publishing.reader_role import lacking
from genuka_pipelines.analytics.publishing.surroundings import Publishing
from genuka_pipelines.analytics.publishing.warehouse import SCHEMA, warehouse
from genuka_pipelines.analytics.releases.release import FOLDER, STORE, Slot, from_bytes, slots_in
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import ReleaseStored
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject
from genuka_pipelines.stores.store import Store, Stored

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it should be: `what` names a key, a table or the copy."""

    what: str
    why: str


@dataclass(frozen=True)
class Verified:
    """What was looked at, what is wrong with it, and by table the periods that are a day late or more."""

    releases: int
    tables: int
    bad: tuple[Fault, ...]
    missing: Mapping[str, tuple[str, ...]]


def verify(house: Publishing, *, now: datetime, asked: bool = True) -> Verified:
    """Look at every release and at all that is made of them; `asked`: through Great Expectations too."""
    store, declared = house.store(STORE), declared_tables(house.catalog)
    slots = slots_in(store, f"{FOLDER}/")
    bad = list(_unreadable_releases(house, slots))
    # A catalogue cannot be made of what cannot be read: then it is looked at by its bytes alone.
    bad += _catalogue(house, declared, now, asked=asked, compared=not bad)
    if "analytics" in house.settings.databases:
        bad += _copy(house)
    gaps = {name: missing_periods(house, name, now - GRACE) for name in declared}
    return Verified(len(slots), len(declared), tuple(bad), {name: found for name, found in gaps.items() if found})


def _unreadable_releases(house: Publishing, slots: Mapping[Slot, Stored]) -> Iterator[Fault]:
    """The releases that cannot be read, or are others than the ledger says were stored."""
    store = house.store(STORE)
    for slot, stored in slots.items():
        try:
            data = store.get(stored.key)
            from_bytes(data, stored.key)
        except GenukaError as error:
            yield Fault(stored.key, str(error))
            continue
        said = ReleaseStored(
            table=slot.table, period=slot.period, spec=slot.spec, sha256=hashlib.sha256(data).hexdigest()
        )
        known = house.control.ledger.latest(ReleaseStored, said.subject)
        if known and known[0].body != said:
            yield Fault(stored.key, "is not what was stored there, says the ledger: restore it from a copy")


def _catalogue(
    house: Publishing, declared: dict[str, Declared], now: datetime, *, asked: bool, compared: bool
) -> Iterator[Fault]:
    store = house.store(STORE)
    missing = list(_missing_objects(store))
    yield from missing
    if not compared or any(fault.what in (INDEX, catalogue.FILE) for fault in missing):
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        entries = catalogue.build(folder, store, declared, errata_in(store), now)
        there = folder / "published.duckdb"
        with there.open("wb") as out:
            store.read_into(catalogue.FILE, out)
        yield from _compared(folder / catalogue.FILE, there)
        yield from _manifests(store, entries)
        for entry in entries:
            if asked:
                for name, rows in unmet(house, folder / catalogue.FILE, entry.name, declared[entry.name]).items():
                    yield Fault(entry.name, f"{name} fails for {'an unknown number of' if rows is None else rows} rows")


def _missing_objects(store: Store) -> Iterator[Fault]:
    try:
        objects: dict[str, str] = json.loads(store.get(INDEX))["objects"]
        keys = {catalogue.FILE, notebook.FILE, *dictionary.FILES.values(), *objects}
    except (NoSuchObject, CorruptObject, ValueError, KeyError, TypeError):
        yield Fault(INDEX, "nothing is published, or its index is damaged: `genuka analytics refresh`")
        return
    for key in sorted(keys):
        if not holds(store, key, objects.get(key, "")):
            yield Fault(key, "is missing, or not what was published: `genuka analytics refresh`")


def _compared(made: Path, there: Path) -> Iterator[Fault]:
    """Where what is published differs from what the releases make."""
    import duckdb

    behind = "does not tell what the releases tell: `genuka analytics refresh`"
    with duckdb.connect() as connection:
        try:
            connection.execute(f"ATTACH {literal(str(made))} AS made (READ_ONLY)")
            connection.execute(f"ATTACH {literal(str(there))} AS there (READ_ONLY)")
            columns: dict[str, dict[str, list[str]]] = {"made": {}, "there": {}}
            for where, table, column in connection.execute(
                "SELECT database_name, table_name, column_name || data_type FROM duckdb_columns()"
                " WHERE database_name IN ('made', 'there') ORDER BY column_index"
            ).fetchall():
                columns[where].setdefault(table, []).append(column)
            for table in sorted({*columns["made"], *columns["there"]}):
                one, other = (columns[where].get(table) for where in ("made", "there"))
                if one != other or _differs(connection, table):
                    yield Fault(table, behind)
        except duckdb.Error:
            yield Fault(catalogue.FILE, "cannot be read: `genuka analytics refresh`")


def _differs(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    # What is missing changes at midnight, and is looked at by itself.
    rows = "* EXCLUDE (published, missing_periods)" if table == "tables" else "*"
    one, other = (f"SELECT {rows} FROM {where}.{quoted(table)}" for where in ("made", "there"))  # noqa: S608 - quoted
    found = connection.execute(
        f"SELECT EXISTS ({one} EXCEPT ALL {other}) OR EXISTS ({other} EXCEPT ALL {one})"
    ).fetchone()
    return found is None or bool(found[0])


def _manifests(store: Store, entries: tuple[Entry, ...]) -> Iterator[Fault]:
    for entry in entries:
        for manifest in entry.manifests:
            key = manifest_path(manifest.slot)
            try:
                if store.get(key) == manifest_bytes(manifest):
                    continue
            except (NoSuchObject, CorruptObject):
                pass
            yield Fault(key, "is not the manifest of its release: `genuka analytics refresh`")


def _copy(house: Publishing) -> Iterator[Fault]:
    try:
        with warehouse(house.settings.url("analytics")) as target:
            found = target.execute(
                "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = %s AND c.relkind = 'r'",
                (SCHEMA,),
            ).fetchall()
            for why in lacking(target, SCHEMA, [name for (name,) in found]):
                yield Fault("GENUKA_ANALYTICS_URL", why)
    except GenukaError as error:
        yield Fault("GENUKA_ANALYTICS_URL", str(error))
