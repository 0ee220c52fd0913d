"""The objects of tenants in a store: each by key, version and SHA-256, on the list of whose row names it.

A restored row that names a picture must be able to say which one it was, and whether what is in the store
now is still it. The bytes themselves stay where they are; versions there are kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from genuka_pipelines.backups.capturing.place import Tonight
from genuka_pipelines.backups.capturing.state import PLATFORM, Held, place_key
from genuka_pipelines.backups.digest import HASH, RowHasher, Sums, limbs
from genuka_pipelines.backups.format.fragment import Heading
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.backups.capturing.house import Scope
    from genuka_pipelines.backups.capturing.place import Place
    from genuka_pipelines.backups.capturing.spool import Spool
    from genuka_pipelines.stores.store import Store, Stored

MEDIA = ""
_TOGETHER = 4096
NUMBER = re.compile(r"[0-9]{1,20}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.I | re.A)
"""A row's number (decimal, ULID, UUID), below which a library of media writes: see rows.contents_in_stores."""


def media_key(system: str) -> str:
    """How the state calls the objects of a store."""
    return place_key(system, None)


@dataclass(frozen=True, eq=False)
class MediaRead:
    """The lists of a store: of whom it is what it was, and the bytes of each. `unread` objects had no SHA-256."""

    unchanged: frozenset[int]
    sizes: NDArray[np.int64]
    unread: int

    def bytes_of(self, number: int) -> int:
        """The bytes of an owner's objects."""
        return int(self.sizes[number]) if number < len(self.sizes) else 0


def read_media(system: str, store: Store, scope: Scope, tonight: Tonight, hasher: RowHasher, spool: Spool) -> MediaRead:
    """List a store, each object to the owner of the row that names it; what nobody names is the platform's."""
    state, heading = tonight.state, Heading(0, system, "media")
    state.name_objects(_named(system, scope, tonight, hasher))
    sums, sizes, unread = Sums(), np.zeros(len(state.numbers) + 1, dtype=np.int64), 0
    listed = (one for one in store.list() if not one.marker)
    while batch := list(islice(listed, _TOGETHER)):
        described = [(one, found) for one in batch if (found := _described(system, store, one, tonight, hasher))]
        lines = [line for _, (line, _) in described]
        owners = np.array([_owner(one.key, tonight, hasher) for one, _ in described], dtype=np.uint32)
        unread += sum(1 for _, (_, proved) in described if not proved)
        sums.add(owners, limbs(hasher.hashes(lines)))
        np.add.at(sizes, owners, [one.size for one, _ in described])
        spool.add(heading, _by_owner(owners, lines))
    held = state.held(media_key(system), MEDIA)
    changes: list[tuple[int, Held | None]] = []
    unchanged = []
    for owner in sorted({*sums.owners(), *held}):
        now = (sums.rows_of(owner), sums.of(owner))
        before = held.get(owner)
        if before is not None and tonight.goes_on(owner, before) and (before.rows, before.digest) == now:
            unchanged.append(owner)
        elif now[0] or before is not None:
            changes.append((owner, Held(*now, tonight.backup) if now[0] else None))
    state.change(media_key(system), MEDIA, changes)
    tonight.progress(system, "", int(sums.rows.sum()))
    return MediaRead(frozenset(unchanged), sizes, unread)


def _named(system: str, scope: Scope, tonight: Tonight, hasher: RowHasher) -> Iterator[tuple[bytes, int]]:
    """The keyed hash of every content of the store that a row names, and the number of that row's owner."""
    for place in scope.places:
        for query in _queries(system, place):
            for batch in place.home.database.stream(query):
                keys, tenants = (column.to_pylist() for column in batch.columns)
                hashes = hasher.hashes([key.encode() for key in keys])
                for at, tenant in enumerate(tenants):
                    yield hashes[HASH * at : HASH * (at + 1)], tonight.state.number(tenant)


def _queries(system: str, place: Place) -> Iterator[sa.Select[tuple[str, str | None]]]:
    home = place.home
    for name, declaration in home.declared.items():
        content = declaration.category.tables[name].content
        if content is None or content.system != system or not home.has(name):
            continue
        table = home.table(name)
        key = home.database.dialect.text(table.column(content.key))
        query = sa.select(key.label("key"), tenant_of(table).label("tenant")).select_from(table.sql)
        yield query.where(table.column(content.key).is_not(None))


def _owner(key: str, tonight: Tonight, hasher: RowHasher) -> int:
    """The owner of the row that names an object, or the first folder above it that a row's number names."""
    parts = key.split("/")
    above = ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
    hashes = hasher.hashes([one.encode() for one in above])
    for at, name in enumerate(above):
        if at == 0 or NUMBER.fullmatch(name):
            owner = tonight.state.owner_of_object(hashes[HASH * at : HASH * (at + 1)])
            if owner is not None:
                return owner
    return PLATFORM


def _described(
    system: str, store: Store, one: Stored, tonight: Tonight, hasher: RowHasher
) -> tuple[bytes, bool] | None:
    """The line of an object, and whether its bytes were read or proved; None where it is gone meanwhile."""
    version, sha256 = one.version, one.sha256
    if version is None or sha256 is None:
        key = hasher.hashes([f"{system}\x1f{one.key}".encode()])
        seen = f"{one.created.isoformat()} {one.size}"
        known = tonight.state.object_seen(key, seen)
        if known is None:
            try:
                known = _looked_at(store, one)
            except NoSuchObject:
                return None
            tonight.state.see_object(key, seen, known)
        version, sha256 = known
    said = {"key": one.key, "version": version, "sha256": sha256, "bytes": one.size}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(), sha256 is not None


def _looked_at(store: Store, one: Stored) -> tuple[str | None, str | None]:
    """The version and SHA-256 of an object; its bytes are read where the store does not tell."""
    found = store.head(one.key)
    if found.sha256 is not None:
        return found.version, found.sha256
    state = hashlib.sha256()
    try:
        with store.open(one.key, version=found.version) as reader:
            while block := reader.read(1 << 20):
                state.update(block)
    except CorruptObject:
        return found.version, None
    return found.version, state.hexdigest()


def _by_owner(owners: NDArray[np.uint32], lines: list[bytes]) -> Iterator[tuple[int, bytes, int]]:
    for owner in np.unique(owners).tolist():
        mine = [lines[at] for at in np.flatnonzero(owners == owner)]
        yield owner, b"\n".join([*mine, b""]), len(mine)
