"""The catalogue of a region from its bucket alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import Epoch, epoch_of
from genuka_pipelines.backups.errors import NoSuchBackup, UnknownFormat
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import enveloped
from genuka_pipelines.backups.regions.catalogue import catalogue, contents
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.replicating import replicate
from tests.backups.faults import Faulty
from tests.backups.made import NOW, OWNERS, Made, Maker, damage, folder, owner_id, region, signing


@pytest.fixture
def made(france: Region) -> Made:
    epoch = Epoch.at(NOW)
    return Maker(france.store).nights(max(epoch.begins, NOW - timedelta(days=3)), 3, OWNERS)


def test_an_empty_region_has_an_empty_catalogue(france: Region) -> None:
    found = catalogue(france, verify=signing.verify, now=NOW)
    assert (found.manifests, found.nights, found.objects, found.lost) == ({}, {}, {}, ())
    assert found.unlike({OWNERS[0]: "20261122T004500Z"}) == (OWNERS[0],)


def test_is_what_was_made(france: Region, made: Made) -> None:
    found = catalogue(france, verify=signing.verify, now=NOW)
    assert (found.manifests, found.nights, found.objects) == (made.manifests, made.nights, made.objects)
    assert found.newest() == made.newest
    owner, backup = max(made.manifests)
    header = made.manifests[owner, backup]
    assert [each.backup for each in found.chain(owner, backup)] == [*header.chain, backup]
    keys = {named.key for named in found.closure(owner, backup)}
    assert any(key.startswith(layout.epoch_key(header.epoch, owner)) for key in keys)
    assert layout.manifest(backup, owner) in keys
    with pytest.raises(NoSuchBackup):
        found.chain(owner, "20200101T000000Z")
    alone = catalogue(france, verify=signing.verify, now=NOW, owners=[OWNERS[0]])
    assert {owner for owner, _ in alone.manifests} == {OWNERS[0]}


def test_finds_what_is_hidden_and_what_a_stale_listing_leaves_out(france: Region, made: Made) -> None:
    for key in made.keys:
        france.store.delete(key)
    found = catalogue(france, verify=signing.verify, now=NOW)
    assert found.objects == made.objects

    for stored in list(france.store.list(versions=True)):
        if stored.marker:
            france.store.delete(stored.key, version=stored.version)
    faulty = Faulty(france.store, seed=3, rate=1.0, kinds=("stale",))
    night = max(made.nights)
    nights = [stored.key for stored in faulty.list(f"{layout.of_epoch(epoch_of(night))}n/", versions=True)]
    stale = catalogue(region("france", faulty), verify=signing.verify, now=NOW)
    assert faulty.happened["stale"]
    if layout.night(night) in nights:  # the newest night names the newest manifest of each, and these their chains
        assert stale.newest() == made.newest


def test_says_what_the_other_region_lacks_and_what_history_does_not_know(
    path: Path, france: Region, made: Made
) -> None:
    usa = region("usa", folder(path / "usa", "usa"))
    first = min(made.nights)
    replicate(france, usa, verify=signing.verify, now=NOW, backups=[first])
    here, there = (catalogue(each, verify=signing.verify, now=NOW) for each in (france, usa))
    assert here.lacks(there) == ()
    assert set(there.lacks(here)) == set(made.objects) - set(there.objects)
    assert layout.night(first) in there.objects
    changed = {owner for owner, backup in made.newest.items() if backup != first}
    assert set(there.unlike(made.newest)) == changed


def test_a_damaged_manifest_is_lost_and_its_key_told(path: Path, france: Region, made: Made) -> None:
    (owner, backup), *_ = sorted(made.manifests)
    key = layout.manifest(backup, owner)
    damage(path / "france", france.store.head(key), at=40)
    found = catalogue(france, verify=signing.verify, now=NOW)
    assert found.lost == (key,)
    assert set(made.manifests) - set(found.manifests) == {(owner, backup)}


def test_another_key_and_another_place_are_not_ours(france: Region, made: Made) -> None:
    (owner, backup), *_ = sorted(made.manifests)
    moved = layout.manifest(backup, owner_id(77))
    france.store.put(moved, france.store.get(layout.manifest(backup, owner)))
    found = catalogue(france, verify=signing.verify, now=NOW)
    assert found.lost == (moved,)
    assert catalogue(france, verify=lambda *_: False, now=NOW).manifests == {}


def test_a_newer_format_is_refused(france: Region, made: Made) -> None:
    (owner, backup), *_ = sorted(made.manifests)
    key = layout.manifest(backup, owner)
    line = enveloped({}, b"", signing.sign).partition(b"\n")[0].replace(b'"format":2', b'"format":3')
    france.store.put(key, b"\n".join((line, signing.sign(line).hex().encode(), b"")), if_absent=False)
    with pytest.raises(UnknownFormat, match="newer"):
        catalogue(france, verify=signing.verify, now=NOW)


def test_foreign_keys_are_told(france: Region, made: Made) -> None:
    epoch = epoch_of(max(made.nights))
    strange = [
        f"{layout.of_epoch(epoch)}{tail}"
        for tail in ("n/hello", f"{OWNERS[0]}/q/1", f"{OWNERS[0]}/m/20240101T000000Z", "someone/k", "r/x", "x")
    ]
    for key in strange:
        france.store.put(key, b"?")
    inside = contents(france, epoch)
    assert inside.foreign == tuple(sorted(strange))
    assert inside.owners == set(OWNERS)


def test_a_region_that_is_gone_is_degraded_not_empty(path: Path, france: Region, made: Made) -> None:
    (path / "france").rename(path / "elsewhere")
    with pytest.raises(Degraded, match="france"):
        catalogue(france, verify=signing.verify, now=NOW)
    down = region("usa", Faulty(france.store, down=True))
    with pytest.raises(Degraded, match="usa"):
        catalogue(down, verify=signing.verify, now=NOW)
