"""Each owner's backup: its texts sealed into packs, and its manifest when all of them are there.

An owner that fails keeps the backup of the night before and fails alone; the others must not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.calendar import epoch_of
from genuka_pipelines.backups.capturing.state import Known
from genuka_pipelines.backups.errors import CannotCapture, KeyShredded
from genuka_pipelines.backups.format.manifest import Manifest, MediaState, Named, Pack, PlaceState
from genuka_pipelines.backups.format.pack import packs
from genuka_pipelines.backups.owner import Owner
from genuka_pipelines.catalog.errors import GenukaError

if TYPE_CHECKING:
    from genuka_pipelines.backups.capturing.putting import Putting
    from genuka_pipelines.backups.format.fragment import Fragment
    from genuka_pipelines.backups.vault.vault import Vault
    from genuka_pipelines.control.leases import Lease
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.stores.store import Store

PACK_BYTES = 32 << 20
"""Smaller than a pack may be: what a restore of one table reads, and what writing one holds in memory."""
_TOGETHER = 12
_LARGE = 8 << 20


@dataclass(frozen=True, eq=False)
class Due:
    """An owner that is to be written tonight: how everything of it stands, and the texts that are new.

    `key` is the id of the tenant's key that sealed its chain, empty where there is none.
    """

    number: int
    owner: Owner
    places: tuple[PlaceState, ...]
    media: tuple[MediaState, ...]
    chain: tuple[str, ...]
    key: str
    fragments: Iterable[Fragment] = field(repr=False)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What came of an owner: its newest backup, or in a sentence why there is none of tonight."""

    number: int
    known: Known | None
    error: GenukaError | None
    objects: int = 0
    bytes: int = 0
    begins_anew: bool = False


class KeyReplaced(CannotCapture):
    """The key that sealed an owner's chain is no more, so that nothing can be told against it."""


class OwnerWriter:
    """Writes owners to one store. Safe between threads."""

    def __init__(
        self, backup: str, created: datetime, row_key: bytes, tools: Mapping[str, str], *, keyring: Keyring,
        vault: Vault, store: Store, putting: Putting, lease: Lease,
    ) -> None:  # fmt: skip
        self._backup, self._created, self._row_key, self._tools = backup, created, row_key, tools
        self._keyring, self._vault, self._store, self._putting = keyring, vault, store, putting
        self._lease = lease

    def write(self, dues: Iterable[Due]) -> Iterator[Written]:
        """Write owners: large ones by themselves, small ones several at a time; each as it is done."""
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="owner") as pool:
            room = threading.BoundedSemaphore(2 * _TOGETHER)
            in_work: list[Future[Written]] = []
            for due in dues:
                if due.size >= _LARGE:
                    yield self._one(due)
                    continue
                room.acquire()
                future = pool.submit(self._one, due)
                future.add_done_callback(lambda _: room.release())
                in_work.append(future)
                while in_work and in_work[0].done():
                    yield in_work.pop(0).result()
            for future in in_work:
                yield future.result()

    def _one(self, due: Due) -> Written:
        try:
            return self._write(due)
        except KeyReplaced as error:
            return Written(due.number, None, error, begins_anew=True)
        except KeyShredded as error:
            # What is gone of a tenant that is gone need not be told; rows that are still there must be.
            there = any(table.rows for place in due.places for table in place.tables)
            return Written(due.number, None, error if there else None)
        except GenukaError as error:
            return Written(due.number, None, error)

    def _write(self, due: Due) -> Written:
        epoch = epoch_of(self._backup)
        writing = self._vault.writing(due.owner.id, epoch, self._store)
        if due.chain and due.key != writing.tenant_key:
            raise KeyReplaced(
                f"the key of {due.owner.id} was destroyed and made anew: the next backup of it is a base, run it again"
            )
        sent: list[Future[tuple[Pack, Named]]] = []
        try:
            for packed in packs(due.fragments, limit=PACK_BYTES):
                self._lease.check()
                sent.append(self._putting.pack(writing, packed))
            put = [future.result() for future in sent]
        except BaseException:
            for future in sent:
                with suppress(Exception):
                    future.result()
            raise
        objects = [named for _, named in put]
        manifest = Manifest(
            backup=self._backup,
            owner=due.owner.id,
            tenant=due.owner.tenant,
            parent=due.chain[-1] if due.chain else None,
            chain=due.chain,
            created=self._created,
            places=due.places,
            media=due.media,
            packs=tuple(pack for pack, _ in put),
            row_key=self._row_key.hex(),
            tenant_key=writing.tenant_key,
            tools=self._tools,
        )
        self._lease.check()
        named = self._putting.manifest(manifest, [writing.named, *objects], writing, self._keyring)
        return Written(
            due.number,
            Known(self._backup, due.chain, writing.tenant_key),
            None,
            len(objects) + 1,
            sum(one.bytes for one in objects) + named.bytes,
        )
