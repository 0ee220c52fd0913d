"""The object that is attacked every night."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import EPOCH, Epoch
from genuka_pipelines.backups.errors import ClocksApart
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.canary import attack_canary, canary_key
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Resistance
from tests.backups.faults import Faulty
from tests.backups.made import NOW, Clock, folder, lose, region, snapshot


def test_refuses_every_night_and_is_put_once(france: Region) -> None:
    first = attack_canary(france, now=NOW)
    assert first.alive
    assert (first.lock, first.locked, first.deletion_refused, first.shortening_refused) == (
        "emulated", True, True, True,
    )  # fmt: skip
    before = snapshot(france.store)
    assert [stored.key for stored in before] == [canary_key(Epoch.at(NOW))]
    assert attack_canary(france, now=NOW + timedelta(hours=1)) == first
    assert snapshot(france.store) == before


def test_each_epoch_has_its_own_and_locks_it_as_long(path: Path) -> None:
    clock = Clock(NOW)
    france = region("france", folder(path / "france", "france", clock))
    attack_canary(france, now=NOW)
    clock.now = NOW + EPOCH
    attack_canary(france, now=clock.now)
    keys = [stored.key for stored in snapshot(france.store)]
    assert keys == sorted(canary_key(Epoch.at(moment)) for moment in (NOW, NOW + EPOCH))
    for key, moment in zip(keys, (NOW, NOW + EPOCH), strict=True):
        lock = france.store.retention(key)
        assert lock is not None
        assert lock.until == Epoch.at(moment).locked_until


class Weak(FolderStore):
    """Deletes whatever it is asked to."""

    def resistance(self, key: str, *, version: str) -> Resistance:
        lose(self._root, key)
        return Resistance(deletion=False, shortening=False)


class Boasting(Weak):
    """Deletes, and says that it refused."""

    def resistance(self, key: str, *, version: str) -> Resistance:
        super().resistance(key, version=version)
        return Resistance(deletion=True, shortening=True)


@pytest.mark.parametrize("kind", [Weak, Boasting])
def test_one_that_dies_is_told_and_put_again_the_next_night(path: Path, kind: type[FolderStore]) -> None:
    france = region("france", kind(path / "france", name="france", create=True))
    for _ in range(2):
        found = attack_canary(france, now=NOW)
        assert not found.alive
        assert not found.deletion_refused


def test_one_without_its_lock_is_not_alive_and_a_locked_one_is_laid_above(france: Region) -> None:
    key = canary_key(Epoch.at(NOW))
    france.store.put(key, b"a cuckoo")
    assert attack_canary(france, now=NOW).alive
    assert [stored.size for stored in france.store.list(key, versions=True)][1:] == [8]
    assert key.startswith(layout.CANARY)


def test_says_nothing_of_a_region_that_is_down(france: Region) -> None:
    with pytest.raises(Degraded, match="france"):
        attack_canary(region("france", Faulty(france.store, down=True)), now=NOW)
    with pytest.raises(ClocksApart):
        attack_canary(region("france", Faulty(france.store, skew=-400)), now=NOW)
