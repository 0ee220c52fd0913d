"""Two regions make each other whole, and nothing is ever deleted for it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.receipts import newest_receipts
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.repairing import Repaired, repair
from genuka_pipelines.backups.regions.replicating import replicate
from genuka_pipelines.backups.regions.verifying import nothing, verify_region
from tests.backups.faults import Faulty
from tests.backups.made import (
    FIRST,
    NOW,
    OWNERS,
    Made,
    Maker,
    damage,
    folder,
    lose,
    region,
    restorable,
    signing,
    snapshot,
)


@pytest.fixture
def both(path: Path) -> tuple[Region, Region]:
    france, usa = (region(name, folder(path / name, name)) for name in ("france", "usa"))
    return france, usa


@pytest.fixture
def made(both: tuple[Region, Region]) -> Made:
    made = Maker(both[0].store).nights(FIRST, 2, OWNERS)
    replicate(*both, verify=signing.verify, now=NOW)
    return made


def mend(both: tuple[Region, Region], **options: object) -> tuple[Repaired, Repaired]:
    return repair(*both, verify=signing.verify, now=NOW, **options)  # type: ignore[arg-type]


def test_each_gives_what_the_other_lost(path: Path, both: tuple[Region, Region], made: Made) -> None:
    france, usa = both
    mine, yours = made.keys[::3], made.keys[1::3]
    before = {where.name: {(s.key, s.version) for s in snapshot(where.store)} for where in both}
    for number, key in enumerate(mine):
        damage(path / "france", france.store.head(key), at=number * 13)
    for number, key in enumerate(yours):
        damage(path / "usa", usa.store.head(key), at=number * 17)
    one, other = mend(both, signing=signing)
    assert {bad.key for bad in one.found} >= set(mine)
    assert (one.left, other.left) == ((), ())
    assert (one.copied, other.copied) == (len(mine), len(yours))
    for where in both:
        assert restorable(where, made)
        assert before[where.name] <= {(s.key, s.version) for s in snapshot(where.store)}
        for key in made.keys:  # the good bytes lie above the damaged ones, locked as long
            assert where.store.get(key)
            lock = where.store.retention(key)
            assert lock is not None
            assert lock.until == Epoch.at(NOW).locked_until
        receipt = newest_receipts(where, max(made.nights), signing.verify)["repaired"]
        assert receipt.passed
        assert receipt.counts["copied"] in (len(mine), len(yours))


def test_damaged_in_both_is_told_and_left(path: Path, both: tuple[Region, Region], made: Made) -> None:
    pack = next(key for key in made.keys if "/p/" in key)
    for where in both:
        damage(path / where.name, where.store.head(pack), at=3)
    before = [snapshot(where.store) for where in both]
    one, other = mend(both)
    assert [bad.key for bad in one.left] == [bad.key for bad in other.left] == [pack]
    assert not one.whole
    assert [snapshot(where.store) for where in both] == before


def test_a_damaged_object_that_only_a_damaged_manifest_names(
    path: Path, both: tuple[Region, Region], made: Made
) -> None:
    (owner, backup), header = max(made.manifests.items())
    victims = [layout.manifest(backup, owner), header.objects[0].key, layout.night(max(made.nights))]
    for key in victims:
        damage(path / "usa", both[1].store.head(key), at=50)
    one, other = mend(both)
    assert (one.found, one.left, other.left) == ((), (), ())
    assert {bad.key for bad in other.found} >= set(victims)
    assert other.copied == 3
    assert verify_region(both[1], verify=signing.verify, now=NOW).passed


def test_half_a_bucket_is_filled_again(path: Path, both: tuple[Region, Region], made: Made) -> None:
    france, _ = both
    for key in made.keys[::2]:
        lose(path / "france", key)
    one, other = mend(both)
    assert (one.left, other.copied) == ((), 0)
    assert restorable(france, made)


def test_an_unlocked_object_is_locked_and_not_copied(path: Path, both: tuple[Region, Region]) -> None:
    france, usa = both
    made = Maker(Unlocking(usa.store)).nights(FIRST, 1, OWNERS)  # type: ignore[arg-type]
    before = snapshot(usa.store)
    one, other = mend(both)
    assert {bad.reason for bad in other.found} == {"unlocked"}
    assert (one.left, other.left) == ((), ())
    assert snapshot(usa.store) == before
    assert restorable(france, made)
    assert verify_region(usa, verify=signing.verify, now=NOW).passed


class Unlocking:
    """Forgets every lock it is asked for."""

    def __init__(self, store: object) -> None:
        self._store = store

    def put(self, key: str, data: bytes, *, retain_until: datetime | None = None) -> object:
        return self._store.put(key, data)  # type: ignore[attr-defined]


def test_quick_repair_fills_gaps_without_reading(path: Path, both: tuple[Region, Region], made: Made) -> None:
    key = next(key for key in made.keys if "/p/" in key)
    lose(path / "usa", key)
    _, other = mend(both, reads=nothing)
    assert (other.copied, other.left) == (1, ())


def test_a_shredded_key_stays_gone_and_a_lost_one_comes_back(both: tuple[Region, Region], made: Made) -> None:
    france, usa = both
    gone, lost = (layout.tenant_key(owner) for owner in OWNERS)
    for where, key in ((usa, gone), (france, lost)):
        where.store.delete(key, version=where.store.head(key).version)
    destroyed = [hashlib.sha256(france.store.get(gone)).hexdigest()]
    one, other = mend(both, shredded={OWNERS[0]}.__contains__, destroyed=destroyed)
    assert [(bad.key, bad.reason) for bad in one.left] == [(gone, "shredded")]
    assert other.left == ()
    assert france.store.get(lost) == usa.store.get(lost)
    assert list(usa.store.list(gone, versions=True)) == []


def test_a_region_that_is_down_stops_it_by_name(both: tuple[Region, Region], made: Made) -> None:
    with pytest.raises(Degraded, match="usa"):
        mend((both[0], region("usa", Faulty(both[1].store, down=True))))
