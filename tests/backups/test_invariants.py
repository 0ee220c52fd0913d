"""What must hold of regions whatever fails: seeded schedules of faults and deaths on small random backups.

A failing round names its seed: GENUKA_SEED=… GENUKA_ROUNDS=1 runs it alone. `make campaign` runs thousands.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from genuka_pipelines.backups.calendar import LOCKED, Epoch
from genuka_pipelines.backups.errors import OverTwelveMonths
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.catalogue import catalogue
from genuka_pipelines.backups.regions.expiring import absences, expire
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.repairing import repair
from genuka_pipelines.backups.regions.replicating import replicate
from genuka_pipelines.backups.regions.verifying import verify_region
from genuka_pipelines.control import Control
from genuka_pipelines.stores.errors import StoreError
from genuka_pipelines.stores.store import Stored
from tests.backups.faults import KINDS, Faulty, Killed
from tests.backups.made import (
    Clock,
    Made,
    Maker,
    damage,
    folder,
    owner_id,
    region,
    restorable,
    scratch,
    signing,
    snapshot,
)
from tests.backups.stories import Dice, cheap, told


@dataclass
class World:
    """Two regions, the first with a few nights of a few owners; `at` is when they are looked at."""

    path: Path
    random: Dice
    seed: int
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: Clock = field(default_factory=Clock)
    made: Made = field(default_factory=Made)

    def __post_init__(self) -> None:
        self.france = region("france", folder(self.path / "france", "france", self.clock))
        self.usa = region("usa", folder(self.path / "usa", "usa", self.clock))

    def fill(self, first: datetime | None = None) -> None:
        nights, owners = self.random.randint(1, 3), self.random.randint(1, 2)
        first = first or self.at - timedelta(days=nights)
        maker = Maker(self.france.store, seed=self.seed)
        self.made = maker.nights(first, nights, [owner_id(number) for number in range(owners)])

    def faulty(self, where: Region, *, dying: bool = False) -> Region:
        """The region behind a network that fails; dead after a while where it is `dying`."""
        lives = self.random.randint(1, 250) if dying else None
        return region(where.name, Faulty(where.store, self.random.seed_of_its_own(), 0.15, calls_to_live=lives))

    def disk(self, where: Region) -> Path:
        return self.path / where.name


@contextmanager
def story(seed: int) -> Iterator[World]:
    with scratch() as path, told(seed) as dice:
        yield World(path, dice, seed)


def closed(where: Region, at: datetime) -> bool:
    """Invariant 2: a manifest or night that is here has everything it names, whole and locked."""
    return not verify_region(where, verify=signing.verify, now=at, shredded=lambda _: True, workers=1).bad_keys(
        "missing", "damaged", "unlocked", "lock_short", "lock_long", "foreign"
    )


@pytest.mark.parametrize("seed", cheap())
def test_1_2_4_11_replication_fails_and_dies_and_is_run_again(seed: int) -> None:
    with story(seed) as world:
        world.fill()
        whole = snapshot(world.france.store)
        for turn in range(2):
            with suppress(Killed, Degraded, StoreError):
                replicate(
                    world.faulty(world.france),
                    world.faulty(world.usa, dying=turn == 0),
                    verify=signing.verify,
                    now=world.at,
                    workers=world.random.choice([1, 3]),
                )
            assert closed(world.usa, world.at)
            assert restorable(world.france, world.made)
        assert snapshot(world.france.store) == whole

        done = replicate(world.france, world.usa, verify=signing.verify, now=world.at, signing=signing, workers=1)
        assert done.complete
        assert restorable(world.usa, world.made)
        after = snapshot(world.usa.store)
        again = replicate(world.france, world.usa, verify=signing.verify, now=world.at, signing=signing, workers=1)
        assert (again.copied, again.bytes, again.already) == (0, 0, done.copied + done.already)
        assert snapshot(world.usa.store) == after

        for where in (world.france, world.usa):
            _confuse(world, where)
            found = catalogue(where, verify=signing.verify, now=world.at, workers=1)
            made = world.made
            assert (found.manifests, found.nights, found.objects) == (made.manifests, made.nights, made.objects)
            assert found.lost == ()
            assert found.unlike(made.newest) == ()


def _confuse(world: World, where: Region) -> None:
    """Hide some objects behind markers, lay other bytes above some: what is locked is still there below."""
    for key in world.random.sample(world.made.keys, 3):
        if world.random.random() < 0.5:
            where.store.delete(key)
        else:
            where.store.put(key, b"not ours", if_absent=False)


@pytest.mark.parametrize("seed", cheap())
def test_5_6_any_byte_is_found_and_mended_and_any_region_may_be_lost(seed: int) -> None:
    with story(seed) as world:
        world.fill()
        dice, both = world.random, [world.france, world.usa]
        replicate(world.france, world.usa, verify=signing.verify, now=world.at, workers=1)
        hurt, healthy = dice.sample(both, 2)
        victims: list[Stored] = []
        for where in both:  # one object of one, perhaps others of the other
            count = 1 if where is hurt else dice.randint(0, 2)
            for key in dice.sample([key for key in world.made.keys if key not in [v.key for v in victims]], count):
                stored = where.store.head(key)
                damage(world.disk(where), stored, at=dice.randrange(10**6), flip=1 << dice.randrange(8))
                victims.append(stored)
        for where in both:
            found = verify_region(where, verify=signing.verify, now=world.at, workers=1)
            there = {stored.key for stored in victims if _is_damaged(where, stored)}
            unnamed = _resting_on(world, there)  # what only a damaged manifest names, nobody can look for
            assert set(found.bad_keys("damaged")) >= there - unnamed
            assert set(found.bad_keys()) <= there | unnamed
        one, other = repair(hurt, healthy, verify=signing.verify, now=world.at, workers=1)
        assert (one.left, other.left) == ((), ())
        for where in both:
            assert restorable(where, world.made)
            assert verify_region(where, verify=signing.verify, now=world.at, workers=1).passed
        before = [snapshot(where.store) for where in both]
        repair(hurt, healthy, verify=signing.verify, now=world.at, workers=1)
        assert [snapshot(where.store) for where in both] == before

        lost, left = dice.sample(both, 2)
        shutil.rmtree(world.disk(lost))
        with pytest.raises(Degraded, match=lost.name):
            replicate(left, lost, verify=signing.verify, now=world.at, workers=1)
        assert catalogue(left, verify=signing.verify, now=world.at, workers=1).objects == world.made.objects
        assert restorable(left, world.made)
        new = region(lost.name, folder(world.disk(lost), lost.name))
        assert replicate(left, new, verify=signing.verify, now=world.at, workers=1).complete
        assert restorable(new, world.made)


def _is_damaged(where: Region, stored: Stored) -> bool:
    try:
        found = where.store.head(stored.key)
        where.store.get(stored.key)
    except StoreError:
        return True
    return found.version is None


def _resting_on(world: World, damaged: set[str]) -> set[str]:
    """The objects that only a damaged manifest names."""
    headers = world.made.manifests.items()
    return {
        each.key
        for (owner, backup), header in headers
        if layout.manifest(backup, owner) in damaged
        for each in header.objects
    } | {layout.tenant_key(owner) for owner, _ in world.made.manifests}


@pytest.mark.parametrize("seed", cheap())
def test_12_many_at_once_without_locks(seed: int) -> None:
    with story(seed) as world:
        world.fill()
        runs = [(world.france, world.usa), (world.usa, world.france), (world.france, world.usa)]

        def run(pair: tuple[Region, Region]) -> None:
            source, target = map(world.faulty, pair)
            replicate(source, target, verify=signing.verify, now=world.at, workers=2)

        with ThreadPoolExecutor(len(runs)) as pool:
            for future in [pool.submit(run, pair) for pair in runs]:
                with suppress(Degraded, StoreError):
                    future.result()
        for where in (world.france, world.usa):
            assert closed(where, world.at)
        assert replicate(world.france, world.usa, verify=signing.verify, now=world.at, workers=1).complete
        assert restorable(world.usa, world.made)
        assert restorable(world.france, world.made)


@pytest.mark.parametrize("seed", cheap())
def test_7_nothing_dies_before_its_lock_and_nothing_outlives_its_year(seed: int, control: Control) -> None:
    with story(seed) as world:
        # The ledger refuses a simulated now, so the past is simulated instead, and the regions named anew.
        dice, now = world.random, datetime.now(UTC)
        name = f"r{seed % 100_000}"
        where = Region(name, world.france.store, (0.0,) * 6)
        ages = dice.sample([30, 250, LOCKED.days + 1, LOCKED.days + 7, LOCKED.days + 50], 2)
        for epoch in sorted({Epoch.at(now - timedelta(days=age)) for age in ages}):
            world.clock.now = epoch.begins + timedelta(hours=3)
            world.fill(world.clock.now)
            _confuse(world, where)
        world.clock.now = None
        before = snapshot(where.store)
        over = {stored.key for stored in before if _epoch(stored).locked_until <= now}
        for lives in (dice.randint(1, 80), dice.randint(1, 80)):
            dying = Faulty(where.store, dice.seed_of_its_own(), 0.15, ("reset", "server", "late", "twice"))
            dying.calls_to_live = lives
            with suppress(Killed, Degraded, OverTwelveMonths):
                expire(Region(name, dying, (0.0,) * 6), control.ledger, now=now, workers=dice.choice([1, 3]))
        done = expire(where, control.ledger, now=now, workers=1)
        left = snapshot(where.store)
        assert all(each.absent for each in done)
        assert left == [stored for stored in before if stored.key not in over]
        gone = {_epoch(stored) for stored in before if stored.key in over}
        assert {epoch for epoch, regions in absences(control.ledger).items() if name in regions} == gone
        assert control.ledger.open_intents(f"backups/{name}:") == ()
        assert expire(where, control.ledger, now=now, workers=1) == ()


def _epoch(stored: Stored) -> Epoch:
    if stored.key.startswith(layout.KEYS):
        return Epoch.at(datetime.now(UTC))
    return Epoch.named(stored.key.removeprefix(layout.EPOCHS).split("/")[0])


def test_every_kind_of_fault_really_happens() -> None:
    happened: Counter[str] = Counter()
    for seed in range(8):
        with story(seed) as world:
            world.fill()
            faulty = [region(where.name, Faulty(where.store, seed, 0.3)) for where in (world.france, world.usa)]
            with suppress(Degraded, StoreError):
                replicate(faulty[0], faulty[1], verify=signing.verify, now=world.at, workers=1)
            for each in faulty:
                happened += cast(Faulty, each.store).happened
    assert set(happened) == set(KINDS)
    assert happened.total() > 100


def test_a_schedule_is_the_same_for_the_same_seed() -> None:
    told = []
    for _ in range(2):
        with story(7) as world:
            world.clock.now = world.at
            world.fill(datetime(2026, 11, 20, tzinfo=UTC))
            faulty = Faulty(world.usa.store, 7, 0.3, calls_to_live=60)
            with suppress(Killed, Degraded, StoreError):
                replicate(world.france, region("usa", faulty), verify=signing.verify, now=world.at, workers=1)
            told.append((faulty.calls, faulty.happened))
    assert told[0] == told[1]
