"""The keys of owners, in every region: made once, kept in all, and destroyed for good.

They are the only objects of a backup without a lock: whoever destroys these few bytes everywhere
makes all that was sealed below them unreadable, which is how a tenant leaves locked storage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from genuka_pipelines.backups.calendar import EPOCH, Epoch
from genuka_pipelines.backups.errors import BackupDamaged, KeyShredded, NoSuchBackup
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.manifest import Named
from genuka_pipelines.backups.locked import put_locked
from genuka_pipelines.backups.vault.epoch_keys import EitherKey, opened_epoch
from genuka_pipelines.backups.vault.first_look import DOWN, FirstLook, Listed, by_key, owners_in
from genuka_pipelines.backups.vault.wrapped import KeyObject, Wrapped
from genuka_pipelines.control.bodies import KeyShredded as Shredded
from genuka_pipelines.control.merkle import merkle_root
from genuka_pipelines.keys.envelope import EpochKey, TenantKey
from genuka_pipelines.keys.errors import KeyStillThere, Undecryptable
from genuka_pipelines.keys.shredding import Receipt, shred
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.control import Ledger
    from genuka_pipelines.keys import Keyring, RootKey
    from genuka_pipelines.stores.store import Store, Stored

RULE = "backups/tenant_keys"
"""The rule of the intentions under which keys are destroyed."""
_MENDERS = 8
T = TypeVar("T")
Held = Mapping[KeyObject, list[Wrapped]]


@dataclass(frozen=True, slots=True)
class WritingKey:
    """An epoch's key to seal with.

    `named` is its wrapped form, for the header of a manifest; `tenant_key` the id of the key above it, for the body.
    """

    key: EpochKey
    named: Named
    tenant_key: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What the ledger said of keys in the look of this number, ending at `head`: those that are `going`, and the
    entries of those `destroyed`."""

    look: int
    head: int
    going: frozenset[str]
    destroyed: Mapping[str, int]


class Vault:
    """The keys of all owners. `regions` are the stores by region, in the order in which they are asked.

    Owners are given by their ids. Safe to use from several threads, and by several processes without a lock: two
    that make a key at once agree on one; where they cannot see each other, each keeps what the other sealed readable.
    A region that does not answer is passed over where another can serve; StoreUnreachable where none does.
    """

    def __init__(self, keyring: Keyring, regions: Mapping[str, Store], ledger: Ledger) -> None:
        self._keyring, self._regions, self._ledger = keyring, dict(regions), ledger
        self._first = FirstLook(self._regions)
        self._known: _Told | None = None
        self._looks, self._looking = 0, threading.Lock()

    def writing(self, owner: str, epoch: Epoch, store: Store) -> WritingKey:
        """The key that seals an owner's objects of an epoch, made if need be; its wrapped form is in `store`, locked.

        An owner whose key was shredded gets another, for the rows that a law keeps. StoreUnfit where a tenant's key
        would be locked; KeyShredded while one is being destroyed; BackupDamaged where one is gone unshredded.
        """
        tenant = self._shown(owner)
        if tenant is None or not _there(store, epoch_key_path(epoch, owner, tenant)):
            tenant = self._settled(owner, epoch, store)
        key, path = tenant.epoch(epoch.name), epoch_key_path(epoch, owner, tenant)
        return WritingKey(key, put_locked(store, path, key.wrapped_by(tenant), epoch.locked_until), tenant.id)

    def reading(self, owner: str, epoch: Epoch) -> EpochKey:
        """The key that opens an owner's objects of an epoch. KeyShredded, NoSuchBackup, Undecryptable."""
        tenants = {epoch_key_path(epoch, owner, tenant): tenant for tenant in self._tenant_keys(owner)}
        found: dict[str, EpochKey] = {}
        wrapped_otherwise = False

        def look(store: Store) -> None:
            nonlocal wrapped_otherwise
            for path, versions in by_key(store, layout.epoch_key(epoch, owner)).items():
                wrapped_otherwise |= path not in tenants
                if path in tenants and path not in found:
                    found[path] = opened_epoch(tenants[path], epoch, store, versions)

        trouble = self._each(look)
        if found:
            return EitherKey(tuple(found.values())) if len(found) > 1 else next(iter(found.values()))
        if trouble is not None:
            raise trouble
        if wrapped_otherwise:
            raise KeyShredded(f"epoch {epoch.name} of {owner} was sealed under a key that was since destroyed")
        raise NoSuchBackup(f"no region holds a key of epoch {epoch.name} for {owner}: nothing was backed up there")

    def owners(self) -> frozenset[str]:
        """Whose keys there are, in any region; every region must answer."""
        return owners_in(map(by_key, self._regions.values()))

    def mend(self) -> int:
        """Copies keys to the regions that lack them; how many owners lacked one. Every region must answer."""
        going = self._going()
        # Listed once: asked owner by owner, a store reads the names of all the others too.
        listed = {region: by_key(store) for region, store in self._regions.items()}
        owners = [owner for owner in sorted(owners_in(listed.values())) if self.root_of(owner) not in going]
        with ThreadPoolExecutor(_MENDERS, thread_name_prefix="keys") as pool:
            return sum(pool.map(lambda owner: self._mended(owner, listed), owners))

    def rewrap(self, root: RootKey, also: Sequence[str]) -> int:
        """Wraps every owner's key anew, for another root key and escrow, and removes the old forms; how many.

        Every region must answer. Interrupted, it is finished by the next; until the root key is replaced where
        it is kept, the old one opens nothing any more.
        """
        done, going = 0, self._going()
        for owner in sorted(self.owners()):
            if self.root_of(owner) in going:
                continue
            objects = self._objects(owner)
            keys = _keys({each: each.versions([self._keyring.root, root]) for each in objects})
            if not keys:
                raise Undecryptable(layout.tenant_key(owner), "neither the old root key nor the new one opens it")
            wrapped = [_proved(one.key, root, also) for one in keys.values() if one.key is not None]
            with self._unless_shredded(owner) as put:
                put += [(each, each.add(data)) for each in objects for data in wrapped]
            for each in objects:
                each.keep_only([version for one, version in put if one is each])
            done += 1
        return done

    def copies(self, owner: str) -> list[tuple[str, str]]:
        """Every version of an owner's wrapped key, as its region and SHA-256, in the regions that answer."""
        found: list[tuple[str, str]] = []
        for each in self._objects(owner):
            with suppress(*DOWN):
                found += [(each.place, sha256) for sha256 in each.hashes()]
        return found

    def shred(self, owner: str, *, now: datetime) -> Receipt:
        """Destroys an owner's key with every version and marker, in every region, and looks again.

        For `backups.shredding` alone, which asks first. Every region must answer; KeyStillThere, Locked.
        """
        objects = self._objects(owner)
        receipt = shred(layout.tenant_key(owner), objects, now=now)
        for each in objects:
            each.destroy()
            if not each.is_gone():
                raise KeyStillThere(f"something of {each.path} is still in {each.place}: destroy it there, try again")
        return receipt

    def root_of(self, owner: str) -> str:
        """What an intention to destroy an owner's key names: the Merkle root of its keyed hash."""
        return merkle_root([self._keyring.erasure.digest(f"backup key\x1f{owner}".encode())])

    # inside

    def _objects(self, owner: str) -> list[KeyObject]:
        return [KeyObject(region, store, owner) for region, store in self._regions.items()]

    def _each(self, look: Callable[[Store], None]) -> Exception | None:
        """Look in every region; what kept the first one from answering that did not."""
        trouble: Exception | None = None
        for store in self._regions.values():
            try:
                look(store)
            except (*DOWN, NoSuchObject, CorruptObject, Undecryptable) as error:
                trouble = trouble or error
        return trouble

    def _shown(self, owner: str) -> TenantKey | None:
        """The key that the first region shows, in two requests on most nights; None where it takes a closer look."""
        for each in self._objects(owner):
            try:
                return each.current(self._keyring.root)
            except DOWN:
                continue
            except (CorruptObject, Undecryptable):
                return None
        return None

    def _tenant_keys(self, owner: str) -> list[TenantKey]:
        """Every key of an owner that any region holds. KeyShredded where each says that there is none."""
        held, trouble = self._held(owner)
        found = [one.key for one in _keys(held).values() if one.key is not None]
        if not found:
            raise (
                trouble
                or _unopened(owner, held)
                or KeyShredded(f"no region holds the key of {owner}: it was destroyed, and what it sealed with it")
            )
        return found

    def _settled(self, owner: str, epoch: Epoch, store: Store) -> TenantKey:
        """The key to seal a new epoch with: in every region that answers before anything is sealed under it.

        The oldest of the first region counts, where two were made at once; but one that this epoch already has.
        """
        held, trouble = self._held(owner, self._first.of(owner))
        if not held and trouble is not None:
            raise trouble
        if not _keys(held):
            if (error := _unopened(owner, held)) is not None:
                raise error
            held = self._refuse_lost(owner, epoch, store) or held
        if not _keys(held):
            held = self._made(owner, list(held))
        keys = _keys(held)
        begun = (one for one in keys.values() if one.key and _there(store, epoch_key_path(epoch, owner, one.key)))
        chosen = next(begun, None) or next(iter(keys.values()), None)
        if chosen is None or chosen.key is None:
            raise KeyShredded(f"the key of {owner} was destroyed meanwhile")
        self._spread(owner, held, [chosen])
        for each in held:
            each.show_unlocked()
        return chosen.key

    def _made(self, owner: str, lacking: Sequence[KeyObject]) -> Held:
        """Put a new key into regions that have none; what they hold then, which may be a racer's."""
        new, (first, *_) = TenantKey.new(owner), lacking
        with self._unless_shredded(owner) as put:
            # In one region first, where one of many wins; what won goes into the others.
            wrapped = new.wrapped_by(self._keyring.root, also=self._keyring.escrow)
            put.append((first, first.add(wrapped, beside=False)))
            held, _ = self._held(owner)
            _fill(held, list(_keys(held).values())[:1], put)
        return held

    def _mended(self, owner: str, listed: Mapping[str, Mapping[str, Sequence[Stored]]]) -> bool:
        objects, root = self._objects(owner), self._keyring.root
        found = {each: listed[each.place].get(each.path, ()) for each in objects}
        held = {each: each.versions([root], found[each]) for each in objects}
        lacked = self._spread(owner, held, list(_keys(held).values()))
        for each in objects:
            if any(one.marker for one in found[each]):
                each.show()
        return lacked

    def _held(self, owner: str, listed: Listed | None = None) -> tuple[Held, Exception | None]:
        """The versions of an owner's key in each region that answers, perhaps as it was `listed`, and what kept one
        from answering."""
        found: dict[KeyObject, list[Wrapped]] = {}
        trouble: Exception | None = None
        for each in self._objects(owner):
            try:
                found[each] = each.versions([self._keyring.root], listed[each.place] if listed else None)
            except DOWN as error:
                trouble = error
        return found, trouble

    def _spread(self, owner: str, held: Held, wanted: Sequence[Wrapped]) -> bool:
        """Put keys into the regions that lack them; whether one did."""
        lacking = any(_lacks(versions, one) for one in wanted for versions in held.values())
        if lacking:
            with self._unless_shredded(owner) as put:
                _fill(held, wanted, put)
        return lacking

    def _refuse_lost(self, owner: str, epoch: Epoch, store: Store) -> Held | None:
        """BackupDamaged where the key of an epoch is there, that above it is gone, and nobody shredded it.

        What is held by now, where somebody made both since we looked.
        """
        epochs = (epoch, Epoch.at(epoch.begins - EPOCH))
        if all(next(store.list(layout.epoch_key(each, owner)), None) is None for each in epochs):
            return None
        held, _ = self._held(owner)
        if not _keys(held) and not self._ledger.latest(Shredded, owner):
            raise BackupDamaged(
                f"{layout.tenant_key(owner)} is gone and no shredding of it is on record: put it back from a copy"
            )
        return held

    def _going(self) -> frozenset[str]:
        """What names, in open intentions, the keys whose destruction has begun and not ended."""
        return frozenset(intent.planned.root for intent in self._ledger.open_intents(RULE))

    def _shredded(self, owner: str) -> int:
        """The ledger entry of the last time that an owner's key was destroyed, 0 for never. KeyShredded meanwhile."""
        told = self._told()
        if self.root_of(owner) in told.going:
            raise KeyShredded(f"the key of {owner} is being destroyed: confirm its shredding again to finish it")
        return told.destroyed.get(owner, 0)

    def _told(self) -> _Told:
        """What the ledger says by now: ten thousand owners ask, so those who wait share a look, and it reads again
        only where the ledger grew."""
        asked = self._looks
        with self._looking:
            known = self._known
            if known is None or known.look <= asked:
                self._looks += 1
                look, head = self._looks, self._ledger.head().seq
                if known is None or known.head != head:
                    destroyed = {entry.body.owner: entry.seq for entry in self._ledger.latest(Shredded)}
                    known = _Told(look, head, self._going(), destroyed)
                known = self._known = replace(known, look=look)
            return known

    @contextmanager
    def _unless_shredded(self, owner: str) -> Iterator[list[tuple[KeyObject, str | None]]]:
        """Versions may be put, and are listed: those that a shredding begun meanwhile did not see are taken back."""
        before = self._shredded(owner)
        put: list[tuple[KeyObject, str | None]] = []
        try:
            yield put
        finally:
            # Also where a region failed: what is in another by then must not be the way back.
            self._keep_unless_shredded(owner, before, put)

    def _keep_unless_shredded(self, owner: str, before: int, put: Iterable[tuple[KeyObject, str | None]]) -> None:
        try:
            if self._shredded(owner) == before:
                return
            raise KeyShredded(f"the key of {owner} was destroyed meanwhile")
        except KeyShredded:
            for each, version in put:
                if version is not None:
                    each.remove(version)
            raise


def epoch_key_path(epoch: Epoch, owner: str, tenant: TenantKey) -> str:
    """Where an epoch's key lies as this tenant key wraps it: another tenant key gets an object of its own."""
    return f"{layout.epoch_key(epoch, owner)}.{tenant.id}"


def _keys(held: Held) -> dict[str, Wrapped]:
    """One version of each different key, by id; the oldest of the first region first."""
    found: dict[str, Wrapped] = {}
    for versions in held.values():
        for one in versions:
            if one.key is not None:
                found.setdefault(one.key.id, one)
    return found


def _unopened(owner: str, held: Held) -> Undecryptable | None:
    if any(held.values()):
        return Undecryptable(layout.tenant_key(owner), "our root key opens it in no region")
    return None


def _lacks(versions: Iterable[Wrapped], wanted: Wrapped) -> bool:
    return all(one.key is None or wanted.key is None or one.key.id != wanted.key.id for one in versions)


def _fill(held: Held, wanted: Iterable[Wrapped], put: list[tuple[KeyObject, str | None]]) -> None:
    for one in wanted:
        for each, versions in held.items():
            if _lacks(versions, one):
                # Where there is none one of many wins; one that is there is never covered by less.
                version = each.add(one.data, beside=bool(versions))
                if version is not None:
                    put.append((each, version))
                    versions.append(replace(one, version=version))


def _proved(key: TenantKey, root: RootKey, also: Sequence[str]) -> bytes:
    wrapped = key.wrapped_by(root, also=also)
    if TenantKey.unwrap(key.tenant, wrapped, root, layout.tenant_key(key.tenant)).id != key.id:
        raise BackupDamaged(f"{layout.tenant_key(key.tenant)} does not open as it was wrapped: nothing was replaced")
    return wrapped


def _there(store: Store, key: str) -> bool:
    try:
        store.head(key)
    except NoSuchObject:
        return False
    return True
