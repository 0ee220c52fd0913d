"""How a backup gets into a store: proved before it is sent, locked, read back, and its manifest last.

An object that cannot be altered for a year must be right when it is put, and one that is found there
must be proved the same: what is assumed here is found out when it is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.errors import BackupDamaged
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.manifest import Manifest, Named, Pack, write_manifest
from genuka_pipelines.backups.format.night import Night, read_night, write_night
from genuka_pipelines.backups.format.pack import Packed
from genuka_pipelines.backups.format.sealed import open_manifest, seal_body, seal_pack
from genuka_pipelines.backups.locked import check_clock, put_locked
from genuka_pipelines.backups.vault.vault import WritingKey
from genuka_pipelines.stores.errors import NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.stores.store import Store

IN_FLIGHT = 128 << 20
"""Bytes of packs that may wait or be under way; while one is proved it takes three times its size."""
_AT_ONCE = 256 << 10


class Putting:
    """Writes to one store by a few threads; use it in a `with`. Safe from several threads.

    At most `in_flight` bytes of packs wait or are being sent; with more, `pack` waits.
    """

    def __init__(self, store: Store, *, workers: int = 4, in_flight: int = IN_FLIGHT) -> None:
        """ClocksApart before anything is sent."""
        check_clock(store)
        self.store = store
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=f"put-{store.name}")
        self._most, self._flying = in_flight, 0
        self._landed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=error is not None)

    def pack(self, writing: WritingKey, packed: Packed) -> Future[tuple[Pack, Named]]:
        """Seal, decode again, put: what the manifest says of it, and the object for its header."""
        size = len(packed.data)
        if size <= _AT_ONCE:
            # Small ones come from many threads already; handing them on costs more than putting them.
            done: Future[tuple[Pack, Named]] = Future()
            try:
                done.set_result(self._pack(writing, packed))
            except Exception as error:  # noqa: BLE001 - told to whoever asks for the result
                done.set_exception(error)
            return done
        with self._landed:
            self._landed.wait_for(lambda: not self._flying or self._flying + size <= self._most)
            self._flying += size
        try:
            future = self._pool.submit(self._pack, writing, packed)
        except RuntimeError:
            self._land(size)
            raise
        future.add_done_callback(lambda _: self._land(size))
        return future

    def manifest(self, manifest: Manifest, objects: Iterable[Named], writing: WritingKey, keyring: Keyring) -> Named:
        """The commit point of an owner: put it when all of `objects` are there, this backup's packs and its key.

        It is opened again before it is sent. ValueError where `objects` are not those.
        """
        # In one order, so that the same backup has the same bytes whichever pack was put first.
        named = tuple(sorted(objects, key=lambda one: one.key))
        prefix = layout.of_owner(manifest.epoch, manifest.owner)
        wanted = {layout.pack(manifest.epoch, manifest.owner, pack.name) for pack in manifest.packs}
        keys = {one.key for one in named}
        if keys != wanted | {writing.named.key} or not writing.named.key.startswith(prefix):
            raise ValueError("a manifest names this backup's own packs and key, all of them and nothing else")
        path = layout.manifest(manifest.backup, manifest.owner)
        data = write_manifest(
            manifest,
            named,
            seal=lambda body: seal_body(writing.key, body),
            sign=keyring.sign,
            signer=keyring.signing.id,
        )
        if open_manifest(writing.key, data, path, keyring.verify) != manifest:
            raise BackupDamaged(f"{path} does not open as it was written: nothing was put, run the backup again")
        return put_locked(self.store, path, data, manifest.epoch.locked_until)

    def night(self, night: Night, keyring: Keyring) -> Named:
        """The commit point of a night: put it last of all. The same night again is the one that is there."""
        path = layout.night(night.backup)
        data = self._night_there(path, night, keyring) or write_night(
            night, root=keyring.root, sign=keyring.sign, signer=keyring.signing.id
        )
        if read_night(data, path, root=keyring.root, verify=keyring.verify) != night:
            raise BackupDamaged(f"{path} does not open as it was written: nothing was put, run the backup again")
        return put_locked(self.store, path, data, night.epoch.locked_until)

    def _pack(self, writing: WritingKey, packed: Packed) -> tuple[Pack, Named]:
        epoch, owner = Epoch.named(writing.key.epoch), writing.key.tenant
        sealed = seal_pack(writing.key, packed)
        path = layout.pack(epoch, owner, sealed.pack.name)
        return sealed.pack, put_locked(self.store, path, sealed.data, epoch.locked_until)

    def _night_there(self, path: str, night: Night, keyring: Keyring) -> bytes | None:
        # Sealed to the root it has other bytes each time; if it says the same, it is the same.
        try:
            found = self.store.get(path)
        except NoSuchObject:
            return None
        return found if read_night(found, path, root=keyring.root, verify=keyring.verify) == night else None

    def _land(self, size: int) -> None:
        with self._landed:
            self._flying -= size
            self._landed.notify_all()
