"""The tenant's files: every object that its rows name, fetched after the snapshot and kept under its own SHA-256.

A file that a row names and the store lacks ends the export: archives that look whole and are not are found out when
the original is gone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

import sqlalchemy as sa

from genuka_pipelines.exports.errors import MediaMissing, NotOneTenant
from genuka_pipelines.exports.tables import Opened, Progress
from genuka_pipelines.exports.work import BLOCK, File, Work, hashed, write
from genuka_pipelines.rows.path import is_not_true
from genuka_pipelines.stores.errors import CorruptObject, InvalidKey, NoSuchObject
from genuka_pipelines.systems.column_types import Query, as_text
from genuka_pipelines.systems.row_text import fields, typed, without_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from genuka_pipelines.exports.choosing import Choice, ChosenTable
    from genuka_pipelines.exports.house import Exporting
    from genuka_pipelines.stores.store import Store, Stored

MEDIA = "media"
NUMBER = re.compile(r"[0-9]{1,20}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.I | re.A)
"""A row's number (decimal, ULID, UUID), below which a library of media writes: see rows.contents_in_stores."""
_TOGETHER = 8
_BATCH = 512


@dataclass(frozen=True, slots=True)
class MediaRead:
    """The objects of an archive: the index of who names them, and each content once, in order of hashes."""

    objects: int
    bytes: int
    index: File
    files: tuple[File, ...]


def stores_of(house: Exporting, choice: Choice) -> tuple[str, ...]:
    """The systems of the stores that rows of the archive point into."""
    named = {table.declared.content.system for table in choice.tables.values() if table.declared.content}
    return tuple(sorted(system for system in named if house.catalog.systems[system].kind == "store"))


def read_media(
    house: Exporting, choice: Choice, opened: dict[str, list[Opened]], work: Work, progress: Progress
) -> MediaRead:
    """Fetch every object. MediaMissing where one is not there, or is not what was stored."""
    folder, kept, objects, size = work.folder(MEDIA), dict[str, File](), 0, 0
    stores = {system: house.store(system) for system in stores_of(house, choice)}

    def content(out: BinaryIO) -> None:
        nonlocal objects, size
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="media") as pool:
            for name, table in choice.tables.items():
                where = table.declared.content
                if where is None or where.system not in stores:
                    continue
                store, keys = stores[where.system], _keys(table, opened[name])
                while batch := list(islice(keys, _BATCH)):
                    _refuse_others(choice, where.system, batch)
                    for found in pool.map(
                        lambda key, store=store, name=name: _fetched(store, name, key, folder), batch
                    ):
                        for one, file in found:
                            sha256 = file.path.name
                            said = {"table": name, "key": one.key, "sha256": sha256, "bytes": one.size}
                            out.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")
                            kept[sha256] = file
                            objects, size = objects + 1, size + one.size
                    progress(MEDIA, objects)

    index = write(work.root / "media.ndjson", content)
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    return MediaRead(objects, size, index, tuple(kept[name] for name in sorted(kept)))


def _keys(table: ChosenTable, opened: list[Opened]) -> Iterator[str]:
    """The keys that a table's rows name, each once, in order."""
    content = table.declared.content
    found: set[str] = set()
    for source, dump, worker in opened if content else ():
        columns = (content.key,) if content else ()
        of = fields(source.home.database, table.name, columns)
        for block in dump.read(table.name, None, worker, where=source.mine(table.name), columns=columns):
            batch, _ = typed(without_prefix(block), of)
            found |= {str(key) for key in batch.column(0).to_pylist() if key is not None and key != ""}
    return iter(sorted(found))


def _refuse_others(choice: Choice, system: str, keys: list[str]) -> None:
    """NotOneTenant where a row of somebody else names the same file.

    Numbers that are counted are the same in every database; names that are not are made to be one's own.
    """
    counted = [key for key in keys if key.isdecimal()]
    asked = [(one.home, one, keys) for one in choice.sources] + [(home, None, counted) for home in choice.elsewhere]
    for home, source, named in asked:
        for name, declaration in home.declared.items() if named else ():
            content = declaration.category.tables[name].content
            if content is None or content.system != system or not home.has(name) or (source and source.own):
                continue
            table = home.table(name)
            query: Query = sa.select(sa.literal_column("1")).select_from(table.sql)
            query = query.where(as_text(table.column(content.key)).in_(named))
            mine = source.mine(name) if source else None
            if home.database.count(query if mine is None else query.where(is_not_true(mine))):
                raise NotOneTenant(
                    f"rows of another tenant in '{name}' of {home.database.name} name the same files of {system}; "
                    "give each file a key of its own"
                )


def _fetched(store: Store, table: str, key: str, folder: Path) -> list[tuple[Stored, File]]:
    """The objects of a key, in the work folder."""
    try:
        found = [(one, _kept(store, one, folder)) for one in _objects(store, key)]
    except (NoSuchObject, InvalidKey):
        found = []
    except CorruptObject as error:
        raise MediaMissing(f"{error}; put the file back from its versions, then run the same again") from None
    if not found:
        name = hashlib.sha256(key.encode()).hexdigest()[:12]
        raise MediaMissing(
            f"a row of '{table}' names an object (#{name}) that store {store.name} does not have; put it back, or "
            "delete the row, then run the same again"
        )
    return found


def _objects(store: Store, key: str) -> list[Stored]:
    """The object of that name and, where it is a row's number, every object below it."""
    below = [one for one in store.list(key + "/") if not one.marker] if NUMBER.fullmatch(key) else []
    try:
        return [store.head(key), *below]
    except NoSuchObject:
        return below


def _kept(store: Store, one: Stored, folder: Path) -> File:
    """An object under its hash; read from the store unless it is known to be here."""
    known = folder / one.sha256 if one.sha256 else None
    if known is not None and known.exists() and known.stat().st_size == one.size:
        return hashed(known)
    aside = folder / f"{hashlib.sha256(f'{store.name}/{one.key}'.encode()).hexdigest()}.got"
    state = hashlib.sha256()

    def copy(out: BinaryIO) -> None:
        with store.open(one.key, version=one.version) as reader:
            while block := reader.read(BLOCK):
                state.update(block)
                out.write(block)

    file = write(aside, copy)
    path = folder / state.hexdigest()
    aside.rename(path)
    return File(path, file.size, file.sha512)
