"""Whose rows a key opens, whatever lies where and whatever fails: seeded schedules over the vault and the regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.errors import KeyShredded
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.sealed import open_manifest
from genuka_pipelines.backups.owner import Owner
from genuka_pipelines.backups.regions.opened import destroyed_in, shredded_in
from genuka_pipelines.backups.regions.replicating_keys import replicate_keys
from genuka_pipelines.backups.regions.tally import Tally
from genuka_pipelines.backups.regions.verifying import verify_region
from genuka_pipelines.backups.vault.shredding import NotToBeShredded, announce_shredding, confirm_shredding
from genuka_pipelines.backups.vault.vault import RULE
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.control import Control
from genuka_pipelines.control import KeyShredded as Shredded
from genuka_pipelines.keys import Undecryptable
from genuka_pipelines.keys.envelope import Place, TenantKey
from genuka_pipelines.stores.store import Store, Stored
from tests.backups.faults import Faulty, Killed
from tests.backups.made import region, scratch
from tests.backups.stories import Dice, cheap, told
from tests.backups.tiny import Tiny
from tests.rows.destroyer import keyring

AT_ONCE = Period("P0D")


@contextmanager
def story(seed: int, control: Control) -> Iterator[tuple[Dice, Tiny, list[Owner]]]:
    """Two tenants and perhaps the platform, with one or two nights that may lie in two epochs."""
    with told(seed) as dice, scratch() as path:
        tiny = Tiny(path, keyring(), control)
        owners = [tiny.owner(f"t{seed}-{number}") for number in range(2)]
        owners += [tiny.owner(None)] if dice.happens(0.3) else []
        last = Epoch.at(datetime.now(UTC)).begins + timedelta(hours=1)
        first = last - timedelta(days=dice.choice([0, 0, 1, 2]))
        for night in range(dice.randint(1, 2)):
            for owner in owners:
                tiny.night(owner, first + timedelta(days=2 * night), dice)
        yield dice, tiny, owners


def faulty(tiny: Tiny, dice: Dice, rate: float = 0.12, *, dying: bool = False) -> dict[str, Store]:
    lives = dice.randint(1, 40) if dying else None
    return {
        name: Faulty(store, dice.seed_of_its_own(), rate, calls_to_live=lives) for name, store in tiny.regions.items()
    }


@pytest.mark.parametrize("seed", cheap())
def test_9_no_key_opens_anothers_rows_and_no_restore_gives_them(seed: int, control: Control) -> None:
    with story(seed, control) as (dice, tiny, owners):
        for one, other in permutations(owners, 2):
            _opens_nothing_of(tiny, one, other)
        hurt = dice.sample(sorted(tiny.regions), dice.randint(1, 2))
        for _ in range(dice.randint(1, 5)):
            one, other = dice.sample(owners, 2)
            _lay_over(tiny, dice, hurt, one, other)
        for owner in owners:
            for backup in tiny.backups(owner):
                assert tiny.read(owner, backup) == tiny.rows[owner.id, backup]
            with suppress(GenukaError):  # it may refuse, and never give what is not the owner's
                backup = tiny.backups(owner)[-1]
                assert tiny.read(owner, backup, faulty(tiny, dice)) == tiny.rows[owner.id, backup]


def _opens_nothing_of(tiny: Tiny, one: Owner, other: Owner) -> None:
    store = tiny.regions["france"]
    for backup in tiny.backups(other):
        epoch = epoch_of(backup)
        key = tiny.vault().reading(one.id, epoch)
        for stored in store.list(f"{layout.of_owner(epoch, other.id)}p/"):
            for ordinal in range(3):
                with pytest.raises(Undecryptable):
                    key.open(store.get(stored.key), Place("pack", ordinal), stored.key)
        manifest = layout.manifest(backup, other.id)
        with pytest.raises(Undecryptable):
            open_manifest(key, store.get(manifest), manifest, tiny.keyring.verify)


def _lay_over(tiny: Tiny, dice: Dice, where: Sequence[str], one: Owner, other: Owner) -> None:
    """Somebody who may write lays an object of another owner, or of another night, over one, or hides it."""
    store = tiny.regions[where[0]]
    mine, theirs = _objects(store, one), _objects(store, other)
    kind = dice.choice(sorted(mine))
    target = dice.choice(mine[kind])
    found = dice.choice(theirs[kind] if dice.happens(0.7) else mine[kind])
    data = store.get(found.key, version=found.version)
    until = None if kind == "key" else Epoch.at(datetime.now(UTC)).locked_until
    hide = dice.happens(0.3)
    for name in where if dice.happens(0.5) else where[:1]:
        if hide:
            tiny.regions[name].delete(target.key)
        else:
            tiny.regions[name].put(target.key, data, retain_until=until, if_absent=False)


def _objects(store: Store, owner: Owner) -> Mapping[str, list[Stored]]:
    """An owner's objects by kind: its key, keys of epochs, packs, manifests."""
    found: dict[str, list[Stored]] = {"key": list(_versions(store, layout.tenant_key(owner.id)))}
    for stored in _versions(store, layout.EPOCHS):
        if f"/{owner.id}/" in stored.key:
            found.setdefault(stored.key.split("/")[4][0], []).append(stored)
    return found


def _versions(store: Store, prefix: str) -> Iterator[Stored]:
    return (stored for stored in store.list(prefix, versions=True) if not stored.marker)


@pytest.mark.parametrize("seed", cheap())
def test_10_after_its_shredding_nothing_of_a_tenant_opens_and_all_of_the_others_does(
    seed: int, control: Control
) -> None:
    with story(seed, control) as (dice, tiny, owners):
        gone, *others = dice.sample(owners, len(owners))
        if gone.tenant is None:
            gone, others[0] = others[0], gone
        before = {
            tiny.vault().writing(gone.id, epoch_of(b), tiny.regions["usa"]).tenant_key for b in tiny.backups(gone)
        }
        copy = tiny.regions["usa"].get(layout.tenant_key(gone.id))
        announce_shredding(tiny.house, gone, by="first", now=datetime.now(UTC))
        rate = dice.choice([0, 0.12])
        for _ in range(dice.randint(0, 4)):
            with suppress(Killed, GenukaError):
                _confirm(tiny, gone, faulty(tiny, dice, rate, dying=dice.happens(0.5)))
            with suppress(Killed, GenukaError):
                _somebody_else(tiny, dice, gone, faulty(tiny, dice))
        with suppress(NotToBeShredded):  # it was done at last
            _confirm(tiny, gone, tiny.regions)
        assert not [
            one for one in control.ledger.open_intents(RULE) if one.planned.root == tiny.vault().root_of(gone.id)
        ]
        (entry,) = control.ledger.latest(Shredded, gone.id)

        for regions in ({}, *({name: store} for name, store in tiny.regions.items())):
            for backup in tiny.backups(gone):
                with pytest.raises((KeyShredded, Undecryptable)):
                    tiny.read(gone, backup, regions)
            for other in others:
                for backup in tiny.backups(other):
                    assert tiny.read(other, backup, regions) == tiny.rows[other.id, backup]
        for store in tiny.regions.values():
            assert not before & set(_keys_in(tiny, store, gone))

        # A copy of the key that comes back, from wherever, is told; but one that a dead run could not ask for.
        where = region("usa", tiny.regions["usa"])
        back = where.store.put(layout.tenant_key(gone.id), copy, if_absent=False)
        ledger, now = control.ledger, datetime.now(UTC)
        found = verify_region(
            where, verify=tiny.keyring.verify, now=now, shredded=shredded_in(ledger), destroyed=destroyed_in(ledger),
            workers=1,
        )  # fmt: skip
        known = back.sha256 in entry.body.found.values()
        assert bool(found.bad_keys("shredded")) == known
        assert known or rate


def _confirm(tiny: Tiny, owner: Owner, regions: Mapping[str, Store]) -> None:
    confirm_shredding(
        tiny.house, tiny.vault(regions), owner, by="second", grace=AT_ONCE, now=datetime.now(UTC)
    )  # fmt: skip


def _somebody_else(tiny: Tiny, dice: Dice, owner: Owner, regions: Mapping[str, Store]) -> None:
    """What may go on at the same time: a capture of what is left of the tenant, replication, the mending of keys."""
    match dice.randrange(3):
        case 0:
            tiny.vault(regions).writing(owner.id, Epoch.at(datetime.now(UTC)), regions["france"])
        case 1:
            france, usa = (region(name, store) for name, store in regions.items())
            replicate_keys(france, usa, shredded_in(tiny.control.ledger), Tally())
        case _:
            tiny.vault(regions).mend()


def _keys_in(tiny: Tiny, store: Store, owner: Owner) -> Iterator[str]:
    """The ids of the tenant keys that the root opens in any object of an owner."""
    for stored in _versions(store, layout.ROOT):
        if owner.id in stored.key:
            with suppress(Undecryptable):
                data = store.get(stored.key, version=stored.version)
                yield TenantKey.unwrap(owner.id, data, tiny.keyring.root, stored.key).id
