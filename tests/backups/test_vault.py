from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.errors import BackupDamaged, KeyShredded, NoSuchBackup
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.locked import put_locked
from genuka_pipelines.backups.owner import Owner, owner_of
from genuka_pipelines.backups.vault.first_look import FEW
from genuka_pipelines.backups.vault.shredding import (
    NotToBeShredded,
    announce_shredding,
    announcement,
    confirm_shredding,
    withdraw_shredding,
)
from genuka_pipelines.backups.vault.vault import RULE, Vault, epoch_key_path
from genuka_pipelines.backups.vault.wrapped import KeyObject
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.control import CategoryScope, Control, Planned, TenantScope, open_control
from genuka_pipelines.control import KeyShredded as Shredded
from genuka_pipelines.keys import Keyring, KeyStillThere, RootKey, Undecryptable, open_keyring
from genuka_pipelines.keys.envelope import Place, TenantKey
from genuka_pipelines.rows.house import House
from genuka_pipelines.stores.errors import Locked, NoSuchStore, StoreUnreachable
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.purge import purge
from genuka_pipelines.stores.store import Stored
from tests.servers import fresh_control

EPOCH = Epoch.at(datetime.now(UTC))
LATER = Epoch.at(EPOCH.ends)
NOW, HERE = Period("P0D"), Place("pack", 0)


@dataclass
class Stand:
    """A house with two regions that are folders."""

    keyring: Keyring
    control: Control
    france: FolderStore
    usa: FolderStore
    folder: Path

    @property
    def house(self) -> House:
        return cast(House, self)

    def vault(self, keyring: Keyring | None = None) -> Vault:
        return Vault(keyring or self.keyring, {"france": self.france, "usa": self.usa}, self.control.ledger)

    def bytes_of(self, store: FolderStore, owner: str) -> bytes:
        return store.get(layout.tenant_key(owner))

    @contextmanager
    def without(self, region: str) -> Iterator[None]:
        here, away = self.folder / region, self.folder / f"{region}-away"
        here.rename(away)
        yield
        away.rename(here)


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with fresh_control() as url, open_control(url.render_as_string(hide_password=False)) as opened:
        yield opened


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("keys") / "keys", create=True)


@pytest.fixture
def stand(tmp_path: Path, control: Control, keyring: Keyring) -> Stand:
    stores = [FolderStore(tmp_path / name, name=name, create=True) for name in ("france", "usa")]
    return Stand(keyring, control, *stores, tmp_path)


@pytest.fixture
def owner(keyring: Keyring, request: pytest.FixtureRequest) -> Owner:
    """A tenant of this test alone: the ledger is shared."""
    return owner_of(request.node.nodeid, keyring)


def versions(store: FolderStore, owner: Owner) -> list[Stored]:
    return list(store.list(layout.tenant_key(owner.id), versions=True))


def test_a_key_is_made_once_lies_in_both_regions_unlocked_and_opens_what_it_sealed(stand: Stand, owner: Owner) -> None:
    first = stand.vault().writing(owner.id, EPOCH, stand.france)
    assert stand.bytes_of(stand.france, owner.id) == stand.bytes_of(stand.usa, owner.id)
    assert stand.france.retention(layout.tenant_key(owner.id)) is None
    lock = stand.france.retention(first.named.key)
    assert lock is not None
    assert lock.until == EPOCH.locked_until
    again = stand.vault().writing(owner.id, EPOCH, stand.france)
    assert (again.named, again.tenant_key) == (first.named, first.tenant_key)
    sealed = first.key.seal(b"rows", HERE)
    assert stand.vault().reading(owner.id, EPOCH).open(sealed.data, HERE, "p") == b"rows"
    assert again.key.seal(b"rows", HERE) == sealed
    other = stand.vault().writing(owner.id, LATER, stand.usa)
    with pytest.raises(Undecryptable):
        other.key.open(sealed.data, HERE, "p")


def test_one_epochs_key_is_the_same_in_a_region_that_never_saw_the_other(stand: Stand, owner: Owner) -> None:
    in_france = stand.vault().writing(owner.id, EPOCH, stand.france)
    assert stand.vault().writing(owner.id, EPOCH, stand.usa).named == in_france.named


def test_nothing_backed_up_is_told_from_a_key_that_was_destroyed(stand: Stand, owner: Owner) -> None:
    with pytest.raises(KeyShredded):
        stand.vault().reading(owner.id, EPOCH)
    stand.vault().writing(owner.id, EPOCH, stand.france)
    with pytest.raises(NoSuchBackup, match=LATER.name):
        stand.vault().reading(owner.id, LATER)


@pytest.mark.parametrize("down", ["france", "usa"])
def test_a_region_that_is_down_is_done_without_and_mended_later(stand: Stand, owner: Owner, down: str) -> None:
    up = stand.usa if down == "france" else stand.france
    with stand.without(down):
        made = stand.vault().writing(owner.id, EPOCH, up)
        assert stand.vault().reading(owner.id, EPOCH)
        with pytest.raises(NoSuchStore):
            stand.vault().mend()
    assert stand.vault().mend() == 1
    assert stand.vault().mend() == 0
    assert stand.bytes_of(stand.france, owner.id) == stand.bytes_of(stand.usa, owner.id)
    assert stand.vault().writing(owner.id, EPOCH, up).tenant_key == made.tenant_key


def test_a_region_that_may_hold_the_key_and_does_not_answer_is_not_absence(stand: Stand, owner: Owner) -> None:
    with stand.without("usa"), pytest.raises(NoSuchStore):
        stand.vault().reading(owner.id, EPOCH)
    with stand.without("usa"), stand.without("france"), pytest.raises((NoSuchStore, StoreUnreachable)):
        stand.vault().writing(owner.id, EPOCH, stand.france)


@pytest.mark.parametrize("racy", [False, True], ids=["atomic", "racy"])
def test_many_at_once_agree_on_one_key(stand: Stand, keyring: Keyring, racy: bool, rounds: int) -> None:
    class Racy(FolderStore):
        """As a Ceph gateway does: sixteen may win one key."""

        def put(self, key: str, data: Any, **how: Any) -> Stored:
            if how.get("if_absent", True) and key.startswith(layout.KEYS) and not list(self.list(key)):
                time.sleep(random.random() / 50)
                return super().put(key, data, **{**how, "if_absent": False})
            return super().put(key, data, **how)

    if racy:
        stand.france, stand.usa = (Racy(stand.folder / name, name=name) for name in ("france", "usa"))
    for number in range(min(3, rounds)):
        owner, start = owner_of(f"{racy} {number}", keyring), threading.Barrier(6)

        def make(_: int, owner: Owner = owner, start: threading.Barrier = start) -> str:
            vault = stand.vault()
            start.wait()
            return vault.writing(owner.id, EPOCH, stand.france).tenant_key

        with ThreadPoolExecutor(6) as racers:
            agreed = set(racers.map(make, range(6)))
        assert len(agreed) == 1
        for store in (stand.france, stand.usa):
            held = KeyObject("here", store, owner.id).versions([keyring.root])
            assert held[0].key is not None
            assert {held[0].key.id} == agreed
            assert racy or len(held) == 1
        assert len(list(stand.france.list(layout.epoch_key(EPOCH, owner.id)))) == 1


def test_owners_of_whom_all_were_listed_once_get_the_keys_that_they_have(stand: Stand, keyring: Keyring) -> None:
    """A night's vault looks for everybody together; what was made, hidden or lost before or after counts the same."""
    owners = [owner_of(f"together {number}", keyring).id for number in range(FEW + 8)]
    here, hidden, elsewhere, later, gone, new, *others = reversed(owners)
    known = {owner: stand.vault().writing(owner, EPOCH, stand.france).tenant_key for owner in (here, hidden, gone)}
    with stand.without("france"):
        known[elsewhere] = stand.vault().writing(elsewhere, EPOCH, stand.usa).tenant_key
    for store in (stand.france, stand.usa):
        store.delete(layout.tenant_key(hidden))
        purge(store, layout.tenant_key(gone))
    vault = stand.vault()
    for owner in reversed(others):
        vault.writing(owner, EPOCH, stand.france)
    with stand.without("france"):
        # After everybody was listed, by a process that did not see France.
        known[later] = stand.vault().writing(later, EPOCH, stand.usa).tenant_key
    for owner in (here, hidden, elsewhere):
        assert vault.writing(owner, LATER, stand.france).tenant_key == known[owner]
    with pytest.raises(BackupDamaged, match="no shredding of it is on record"):
        vault.writing(gone, EPOCH, stand.france)
    made = vault.writing(later, EPOCH, stand.france)
    sealed = made.key.seal(b"rows", HERE)
    assert made.tenant_key != known[later]
    assert stand.vault().reading(later, EPOCH).open(sealed.data, HERE, "p") == b"rows"
    ids = {one.key.id for one in KeyObject("usa", stand.usa, later).versions([keyring.root]) if one.key}
    assert ids == {made.tenant_key, known[later]}
    first = vault.writing(new, EPOCH, stand.france).tenant_key
    for store in (stand.france, stand.usa):
        store.delete(layout.tenant_key(new))
    assert vault.writing(new, LATER, stand.usa).tenant_key == first
    assert len(KeyObject("france", stand.france, new).versions([keyring.root])) == 1


def test_two_keys_of_regions_that_could_not_see_each_other_both_stay_readable(stand: Stand, owner: Owner) -> None:
    with stand.without("usa"):
        one = stand.vault().writing(owner.id, EPOCH, stand.france)
    with stand.without("france"):
        other = stand.vault().writing(owner.id, EPOCH, stand.usa)
    assert one.tenant_key != other.tenant_key
    sealed = [each.key.seal(b"rows", HERE).data for each in (one, other)]
    for _ in range(2):
        for data in sealed:
            assert stand.vault().reading(owner.id, EPOCH).open(data, HERE, "p") == b"rows"
        with pytest.raises(Undecryptable):
            stand.vault().reading(owner.id, EPOCH).open(sealed[0][:-1], HERE, "p")
        stand.vault().mend()
    assert len(versions(stand.france, owner)) == len(versions(stand.usa, owner)) == 2
    # An epoch goes on with the key that it has in that region, so that its chain has one.
    assert stand.vault().writing(owner.id, EPOCH, stand.france).tenant_key == one.tenant_key
    assert stand.vault().writing(owner.id, EPOCH, stand.usa).tenant_key == other.tenant_key
    later = {stand.vault().writing(owner.id, LATER, store).tenant_key for store in (stand.france, stand.usa)}
    assert len(later) == 1
    assert stand.vault().rewrap(stand.keyring.root, []) == 1
    with stand.without("usa"):
        # Its own wrapped form was never replicated here.
        assert stand.vault().reading(owner.id, EPOCH).open(sealed[0], HERE, "p") == b"rows"


def test_a_key_that_is_hidden_is_not_destroyed(stand: Stand, owner: Owner) -> None:
    made = stand.vault().writing(owner.id, EPOCH, stand.france)
    for store in (stand.france, stand.usa):
        store.delete(layout.tenant_key(owner.id))
    assert stand.vault().reading(owner.id, EPOCH)
    assert stand.vault().writing(owner.id, LATER, stand.france).tenant_key == made.tenant_key
    assert stand.bytes_of(stand.usa, owner.id)


def test_a_key_that_is_gone_without_a_shredding_is_not_made_anew(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    for store in (stand.france, stand.usa):
        for version in versions(store, owner):
            store.delete(version.key, version=version.version)
    for epoch in (EPOCH, LATER):
        with pytest.raises(BackupDamaged, match="no shredding of it is on record"):
            stand.vault().writing(owner.id, epoch, stand.france)


def test_a_damaged_copy_is_passed_over_and_mended(stand: Stand, owner: Owner) -> None:
    made = stand.vault().writing(owner.id, EPOCH, stand.france)
    stand.france.put(layout.tenant_key(owner.id), b"noise", if_absent=False)
    assert stand.vault().writing(owner.id, EPOCH, stand.france).tenant_key == made.tenant_key
    for version in versions(stand.france, owner)[1:]:
        stand.france.delete(version.key, version=version.version)
    assert stand.vault().reading(owner.id, EPOCH)
    stand.vault().mend()
    assert TenantKey.unwrap(owner.id, stand.bytes_of(stand.france, owner.id), stand.keyring.root, "k")


def test_another_root_key_opens_nothing_and_makes_nothing(stand: Stand, owner: Owner, tmp_path: Path) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    other = open_keyring(tmp_path / "other", create=True)
    for ask in (lambda v: v.reading(owner.id, EPOCH), lambda v: v.writing(owner.id, LATER, stand.france)):
        with pytest.raises(Undecryptable, match=layout.tenant_key(owner.id)):
            ask(stand.vault(other))
    assert len(versions(stand.france, owner)) == 1


def test_rotation_and_escrow_rewrite_no_pack(stand: Stand, keyring: Keyring, tmp_path: Path) -> None:
    owners = [owner_of(f"rotated {number}", keyring) for number in range(3)]
    made = {one.id: stand.vault().writing(one.id, EPOCH, stand.france) for one in owners}
    before = {one.key: one.version for one in stand.france.list(layout.EPOCHS)}
    root, escrow = RootKey.generate(), RootKey.generate()
    assert stand.vault().rewrap(root, [escrow.recipient]) == 3
    # Once more, as after an interruption: what the new root already has is no trouble.
    assert stand.vault().rewrap(root, [escrow.recipient]) == 3
    assert {one.key: one.version for one in stand.france.list(layout.EPOCHS)} == before
    for one in owners:
        wrapped = {store.get(layout.tenant_key(one.id)) for store in (stand.france, stand.usa)}
        assert len(wrapped) == 1
        assert len(versions(stand.france, one)) == len(versions(stand.usa, one)) == 1
        for opener in (root, escrow):
            assert TenantKey.unwrap(one.id, *wrapped, opener, "k").id == made[one.id].tenant_key
        with pytest.raises(Undecryptable):
            stand.vault().reading(one.id, EPOCH)
    keys = tmp_path / "rotated"
    open_keyring(keys, create=True)
    root.save(keys / "root.age")
    assert stand.vault(open_keyring(keys)).reading(owners[0].id, EPOCH)


def test_the_escrow_of_the_settings_opens_every_new_key(stand: Stand, owner: Owner, tmp_path: Path) -> None:
    escrow = RootKey.generate()
    file = tmp_path / "escrow"
    file.write_text(f"# the notary\n{escrow.recipient}\n\n")
    file.chmod(0o440)
    ring = open_keyring(tmp_path / "ring", create=True, given={"escrow": file})
    stand.vault(ring).writing(owner.id, EPOCH, stand.france)
    for opener in (ring.root, escrow):
        assert TenantKey.unwrap(owner.id, stand.bytes_of(stand.usa, owner.id), opener, "k")


# shredding


def shredded(stand: Stand, owner: Owner, by: str = "second") -> Any:
    return confirm_shredding(stand.house, stand.vault(), owner, by=by, grace=NOW, now=datetime.now(UTC))


def going(stand: Stand, owner: Owner) -> bool:
    root = stand.vault().root_of(owner.id)
    return any(intent.planned.root == root for intent in stand.control.ledger.open_intents(RULE))


def announced(stand: Stand, owner: Owner) -> datetime:
    return announce_shredding(stand.house, owner, by="first", now=datetime.now(UTC))


def test_after_shredding_nothing_opens_in_any_region_and_nobody_else_notices(stand: Stand, owner: Owner) -> None:
    other = owner_of("somebody else", stand.keyring)
    for one in (owner, other):
        stand.vault().writing(one.id, EPOCH, stand.france)
    for store in (stand.france, stand.usa):
        # A marker, and older versions below.
        store.put(layout.tenant_key(owner.id), b"older", if_absent=False)
        store.delete(layout.tenant_key(owner.id))
    for version in versions(stand.usa, owner)[1:]:
        # Nothing but a marker.
        stand.usa.delete(version.key, version=version.version)
    announced(stand, owner)
    receipt = shredded(stand, owner)
    assert [place for place, digest in receipt.found if digest] == ["france", "france_2"], "of either version"
    assert dict(receipt.found)["usa"] is None
    assert versions(stand.france, owner) == versions(stand.usa, owner) == []
    with pytest.raises(KeyShredded, match="was destroyed"):
        stand.vault().reading(owner.id, EPOCH)
    assert stand.vault().mend() == 0
    assert stand.vault().reading(other.id, EPOCH)
    (entry,) = stand.control.ledger.latest(Shredded, owner.id)
    assert dict(receipt.found) == dict(entry.body.found)
    assert not going(stand, owner)
    assert announcement(stand.house, owner) is None
    assert stand.control.ledger.verify().intact
    # Rows that a law keeps are backed up again, under a key that opens nothing of before.
    new = stand.vault().writing(owner.id, EPOCH, stand.france)
    assert stand.vault().reading(owner.id, EPOCH).seal(b"", HERE) == new.key.seal(b"", HERE)
    assert len(list(stand.france.list(layout.epoch_key(EPOCH, owner.id)))) == 2


def test_an_epoch_of_before_stays_closed_when_its_owner_has_a_new_key(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    announced(stand, owner)
    shredded(stand, owner)
    stand.vault().writing(owner.id, LATER, stand.france)
    with pytest.raises(KeyShredded, match="since destroyed"):
        stand.vault().reading(owner.id, EPOCH)


def test_a_key_is_not_shredded_unannounced_too_soon_or_by_one_person(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    with pytest.raises(NotToBeShredded, match="no shredding of this tenant's key is announced"):
        shredded(stand, owner)
    since = announced(stand, owner)
    assert announced(stand, owner) == since
    with pytest.raises(NotToBeShredded, match="may be destroyed from"):
        confirm_shredding(
            stand.house, stand.vault(), owner, by="second", grace=Period("P30D"), now=since + timedelta(minutes=1)
        )
    with pytest.raises(NotToBeShredded, match="somebody else"):
        shredded(stand, owner, by="first")
    withdraw_shredding(stand.house, owner, by="third", now=datetime.now(UTC))
    with pytest.raises(NotToBeShredded, match="is announced"):
        shredded(stand, owner)
    assert stand.vault().reading(owner.id, EPOCH)
    with pytest.raises(NotToBeShredded, match="platform"):
        announced(stand, owner_of(None, stand.keyring))


def test_a_hold_on_the_tenant_keeps_its_key_and_another_tenants_does_not(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    announced(stand, owner)
    now = datetime.now(UTC)
    said: dict[str, Any] = {"kind": "hold", "reason": "court_order", "reference": "case/a", "author": "legal"}
    holds = stand.control.holds
    tenant = owner_of("held", stand.keyring)
    stand.vault().writing(tenant.id, EPOCH, stand.france)
    announced(stand, tenant)
    held = holds.add(TenantScope("held"), now=now, keys=stand.keyring, **said)
    holds.add(CategoryScope("genuka/orders"), now=now, keys=stand.keyring, **said)
    with pytest.raises(NotToBeShredded, match="release the hold"):
        shredded(stand, tenant)
    assert stand.vault().reading(tenant.id, EPOCH)
    shredded(stand, owner)
    holds.release(held.id, by="legal", now=datetime.now(UTC))
    shredded(stand, tenant)


def test_while_a_region_is_down_there_is_no_receipt_and_the_key_does_not_come_back(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    announced(stand, owner)
    with stand.without("usa"), pytest.raises(NoSuchStore):
        shredded(stand, owner)
    # Killed halfway: gone in France, there in the USA, and nobody brings it back or makes another.
    stand.vault()._regions["france"].delete(layout.tenant_key(owner.id))
    assert stand.vault().mend() == 0
    assert stand.vault().rewrap(stand.keyring.root, []) == 0
    with pytest.raises(KeyShredded, match="confirm its shredding again"):
        stand.vault().writing(owner.id, LATER, stand.france)
    receipt = shredded(stand, owner, by="first")
    assert dict(receipt.found)["usa"]
    assert versions(stand.france, owner) == versions(stand.usa, owner) == []
    assert not going(stand, owner)


def test_a_copy_that_a_shredding_could_not_see_is_taken_back(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    planned = Planned(rule=RULE, table="tenant_keys", count=1, root=stand.vault().root_of(owner.id))
    intents = []

    class Late(FolderStore):
        """Somebody confirms the shredding, and has looked here already, when a copy is put."""

        def put(self, key: str, data: Any, **how: Any) -> Stored:
            now = datetime.now(UTC)
            if not intents:
                intents.append(stand.control.ledger.intend(planned, as_of=now, now=now))
            return super().put(key, data, **how)

    for version in versions(stand.usa, owner):
        stand.usa.delete(version.key, version=version.version)
    stand.usa = Late(stand.folder / "usa", name="usa")
    with pytest.raises(KeyShredded, match="is being destroyed"):
        stand.vault().mend()
    assert versions(stand.usa, owner) == []
    now = datetime.now(UTC)
    stand.control.ledger.outcome(intents[0], count=1, root=planned.root, as_of=now, now=now)


def test_where_another_region_fails_what_a_shredding_could_not_see_is_taken_back_too(
    stand: Stand, owner: Owner
) -> None:
    planned = Planned(rule=RULE, table="tenant_keys", count=1, root=stand.vault().root_of(owner.id))
    intents: list[Any] = []

    class Fails(FolderStore):
        """Somebody confirms a shredding while this region breaks off."""

        def put(self, key: str, data: Any, **how: Any) -> Stored:
            now = datetime.now(UTC)
            intents.append(stand.control.ledger.intend(planned, as_of=now, now=now))
            raise StoreUnreachable("it broke off")

    stand.usa = Fails(stand.folder / "usa", name="usa")
    with pytest.raises(KeyShredded, match="is being destroyed"):
        stand.vault().writing(owner.id, EPOCH, stand.france)
    assert versions(stand.france, owner) == []
    now = datetime.now(UTC)
    stand.control.ledger.outcome(intents[0], count=1, root=planned.root, as_of=now, now=now)


def test_a_confirmation_killed_before_its_outcome_is_finished_without_a_second_receipt(
    stand: Stand, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    announced(stand, owner)
    with monkeypatch.context() as killed:
        killed.setattr(type(stand.control.ledger), "outcome", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shredded(stand, owner)
    before = stand.control.ledger.latest(Shredded, owner.id)
    assert len(before) == 1
    assert going(stand, owner)
    with pytest.raises(KeyShredded):
        stand.vault().writing(owner.id, LATER, stand.france)
    assert dict(shredded(stand, owner).found) == dict(before[0].body.found), "what the killed one destroyed is told"
    assert not going(stand, owner)
    assert stand.control.ledger.latest(Shredded, owner.id) == before


def test_a_key_that_somebody_locked_is_not_said_to_be_destroyed(stand: Stand, owner: Owner) -> None:
    stand.vault().writing(owner.id, EPOCH, stand.france)
    stand.usa.retain(layout.tenant_key(owner.id), datetime.now(UTC) + timedelta(seconds=2))
    announced(stand, owner)
    with pytest.raises((Locked, KeyStillThere)):
        shredded(stand, owner)
    assert not stand.control.ledger.latest(Shredded, owner.id)


def test_an_epochs_key_that_another_put_there_is_not_taken_for_ours(stand: Stand, owner: Owner) -> None:
    tenant = stand.vault()._settled(owner.id, EPOCH, stand.france)
    put_locked(stand.france, epoch_key_path(EPOCH, owner.id, tenant), b"noise", EPOCH.locked_until)
    with pytest.raises(BackupDamaged, match="other bytes"):
        stand.vault().writing(owner.id, EPOCH, stand.france)
    with pytest.raises(Undecryptable):
        stand.vault().reading(owner.id, EPOCH)
