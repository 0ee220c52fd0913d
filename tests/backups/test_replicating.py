"""From one region to the other: everything, once, whole, locked, and the manifest last."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import epoch_of
from genuka_pipelines.backups.errors import ClocksApart
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.receipts import receipts
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.replicating import replicate
from genuka_pipelines.stores.errors import Locked, NoSuchObject
from tests.backups.faults import Faulty
from tests.backups.made import (
    FIRST,
    NOW,
    OWNERS,
    Clock,
    Made,
    Maker,
    damage,
    folder,
    owner_id,
    region,
    restorable,
    signing,
    snapshot,
)


@pytest.fixture
def made(france: Region) -> Made:
    return Maker(france.store).nights(FIRST, 3, OWNERS)


def copy(source: Region, target: Region, **options: object):  # type: ignore[no-untyped-def]
    return replicate(source, target, verify=signing.verify, now=NOW, **options)  # type: ignore[arg-type]


def test_everything_arrives_with_its_lock_and_the_manifest_last(france: Region, usa: Region, made: Made) -> None:
    told: list[tuple[int, int]] = []
    done = copy(france, usa, progress=lambda objects, size: told.append((objects, size)), workers=1)
    assert done.complete
    assert done.objects == done.copied == len(made.keys) + len(OWNERS) == told[-1][0]
    assert done.bytes == told[-1][1] == sum(stored.size for stored in snapshot(france.store))
    assert told == sorted(told)
    for key in made.keys:
        assert usa.store.get(key) == france.store.get(key)
        assert usa.store.retention(key) == france.store.retention(key)
    put = {stored.key: stored.created for stored in snapshot(usa.store)}
    for (owner, backup), header in made.manifests.items():
        manifest = put[layout.manifest(backup, owner)]
        assert all(put[named.key] < manifest for named in header.objects)
        assert all(put[layout.manifest(before, owner)] < manifest for before in header.chain)
    last = max(put[key] for key in made.objects if "/n/" not in key)
    assert all(put[layout.night(night)] > last for night in made.nights)


def test_one_night_brings_its_chains_and_no_more(france: Region, usa: Region, made: Made) -> None:
    first, middle, last = sorted(made.nights)
    assert copy(france, usa, backups=[middle]).complete
    there = {stored.key for stored in snapshot(usa.store)}
    assert layout.night(middle) in there
    assert not {layout.night(first), layout.night(last)} & there
    assert restorable(usa, made, [(owner, state.backup or "") for owner, state in made.nights[middle].owners.items()])
    assert not any(key.endswith(f"/m/{last}") for key in there)
    assert copy(france, usa, backups=[last]).complete
    assert restorable(usa, made)


def test_both_directions(france: Region, usa: Region, made: Made) -> None:
    tomorrow = Maker(usa.store, seed=9).nights(FIRST + timedelta(hours=1), 1, [owner_id(3)])
    assert copy(france, usa).complete
    assert copy(usa, france).complete
    for where in (france, usa):
        assert restorable(where, made)
        assert restorable(where, tomorrow)
    assert {s.key for s in snapshot(france.store)} == {s.key for s in snapshot(usa.store)}


def test_what_the_source_has_damaged_is_neither_copied_nor_laid_over_a_good_one(
    path: Path, france: Region, usa: Region, made: Made
) -> None:
    (owner, _), header = next((at, header) for at, header in made.manifests.items() if not header.chain)
    bad = header.objects[0].key
    damage(path / "france", france.store.head(bad), at=7)
    done = copy(france, usa)
    assert not done.complete
    resting = {layout.manifest(each, owner) for o, each in made.manifests if o == owner}
    nights = {layout.night(night) for night in made.nights}
    assert set(done.missing) == {bad} | resting | nights
    assert not set(done.missing) & {stored.key for stored in snapshot(usa.store)}

    new = region("usa", folder(path / "second", "usa"))
    good = Maker(new.store).nights(FIRST, 3, OWNERS)
    before = new.store.get(bad)
    assert good.objects.keys() == made.objects.keys()
    copy(france, new, suspects=[bad])
    assert new.store.get(bad) == before


def test_a_hidden_or_overlaid_source_is_read_by_version(france: Region, usa: Region, made: Made) -> None:
    for number, key in enumerate(made.keys):
        if number % 2:
            france.store.delete(key)
        else:
            france.store.put(key, b"laid above", if_absent=False)
    assert copy(france, usa).complete
    assert restorable(usa, made)


def test_other_bytes_under_the_key_stay_and_ours_go_above(france: Region, usa: Region, made: Made) -> None:
    for key in made.keys:
        usa.store.put(key, b"squatting")
    assert copy(france, usa).complete
    for key in made.keys:
        assert usa.store.get(key) == france.store.get(key)
        assert [stored.size for stored in usa.store.list(key, versions=True) if stored.key == key][1:] == [9]


def test_a_lock_that_is_missing_or_short_is_mended(france: Region, usa: Region, made: Made) -> None:
    until = epoch_of(max(made.nights)).locked_until
    for number, key in enumerate(made.keys):
        lock = None if number % 2 else NOW + timedelta(days=1)
        usa.store.put(key, france.store.get(key), retain_until=lock)
    before = len(snapshot(usa.store))
    assert copy(france, usa, suspects=made.keys).complete
    assert len(snapshot(usa.store)) == before + len(OWNERS)
    for key in made.keys:
        lock_now = usa.store.retention(key)
        assert lock_now is not None
        assert lock_now.until == until


def test_a_region_that_is_down_is_named(path: Path, france: Region, usa: Region, made: Made) -> None:
    down = region("usa", Faulty(usa.store, down=True))
    with pytest.raises(Degraded, match="usa") as degraded:
        copy(france, down)
    assert (degraded.value.region, degraded.value.exit_code) == ("usa", 1)
    with pytest.raises(Degraded, match="france"):
        copy(region("france", Faulty(france.store, down=True)), usa)
    assert snapshot(usa.store) == []
    (path / "usa").rename(path / "lost")
    with pytest.raises(Degraded, match="usa"):
        copy(france, usa)


@pytest.mark.parametrize("skew", [301.0, -301.0])
def test_clocks_apart_stop_everything_before_a_byte(france: Region, usa: Region, made: Made, skew: float) -> None:
    for source, target in (
        (france, region("usa", Faulty(usa.store, skew=skew))),
        (region("france", Faulty(france.store, skew=skew)), usa),
    ):
        with pytest.raises(ClocksApart):
            copy(source, target)
    assert snapshot(usa.store) == []
    assert copy(france, region("usa", Faulty(usa.store, skew=skew * 0.9))).complete


def test_a_shredded_key_does_not_come_back(france: Region, usa: Region, made: Made) -> None:
    gone, kept = (layout.tenant_key(owner) for owner in OWNERS)
    assert copy(france, usa, shredded={OWNERS[0]}.__contains__).complete
    assert usa.store.get(kept) == france.store.get(kept)
    with pytest.raises(NoSuchObject):
        usa.store.head(gone)
    assert usa.store.retention(kept) is None

    asked: list[str] = []

    def shredded_meanwhile(owner: str) -> bool:
        asked.append(owner)
        return owner == OWNERS[0] and asked.count(owner) > 1

    copy(france, usa, shredded=shredded_meanwhile)
    assert list(usa.store.list(gone, versions=True)) == []


def test_a_key_that_is_there_in_another_form_is_never_covered(france: Region, usa: Region, made: Made) -> None:
    copy(france, usa)
    key, hidden = (layout.tenant_key(owner) for owner in OWNERS)
    france.store.put(key, b"wrapped anew", if_absent=False)
    usa.store.delete(hidden)
    before = snapshot(usa.store), snapshot(france.store)
    copy(france, usa)
    copy(usa, france)
    assert (snapshot(usa.store), snapshot(france.store)) == before


def test_erasures_go_too_and_a_split_list_is_told(france: Region, usa: Region) -> None:
    one, two = (layout.erasure_segment(number) for number in (1, 2))
    until = (NOW + timedelta(days=200)).replace(microsecond=0)
    france.store.put(one, b"first", retain_until=until)
    france.store.put(two, b"second here", retain_until=until)
    usa.store.put(two, b"second there", retain_until=until)
    done = copy(france, usa)
    assert (done.complete, done.differing) == (False, (two,))
    assert usa.store.get(one) == b"first"
    assert usa.store.retention(one) == france.store.retention(one)
    assert usa.store.get(two) == b"second there"
    with pytest.raises(Locked):
        usa.store.delete(one, version=usa.store.head(one).version)


def test_a_night_that_is_nowhere_is_missing(france: Region, usa: Region, made: Made) -> None:
    absent = layout.night("20240101T000000Z"), layout.night(max(made.nights)[:9] + "235959Z")
    done = copy(france, usa, backups=["20240101T000000Z", max(made.nights)[:9] + "235959Z"])
    assert done.missing == tuple(sorted(absent))


def test_an_epoch_that_is_over_is_left_to_die(path: Path, usa: Region) -> None:
    clock = Clock(NOW - timedelta(days=400))
    old = region("france", folder(path / "old", "france", clock))
    Maker(old.store).nights(NOW - timedelta(days=400), 1, OWNERS)
    clock.now = None
    done = copy(old, usa)
    assert done.complete
    assert {stored.key for stored in snapshot(usa.store)} == {layout.tenant_key(owner) for owner in OWNERS}


def test_a_receipt_for_each_whole_night_once(path: Path, france: Region, usa: Region, made: Made) -> None:
    first, *_, last = sorted(made.nights)
    copy(france, usa, backups=[first], signing=signing)
    assert [receipt.what for receipt in receipts(usa, first, signing.verify)] == ["replicated"]
    assert receipts(usa, last, signing.verify) == ()
    copy(france, usa, signing=signing)
    before = snapshot(usa.store)
    copy(france, usa, signing=signing)
    assert snapshot(usa.store) == before
    (receipt,) = receipts(usa, last, signing.verify)
    assert receipt.passed
    assert len(receipts(usa, first, signing.verify)) == 1
    assert receipt.counts["copied"] > 0
    assert receipts(france, last, signing.verify) == ()
