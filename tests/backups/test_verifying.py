"""What a region still holds: all of it read, a share, or only looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.errors import ClocksApart
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.receipts import newest_receipts, write_receipt
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.verifying import Verified, everything, nothing, share, verify_region
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Stored
from tests.backups.faults import Faulty
from tests.backups.made import (
    FIRST,
    NOW,
    OWNERS,
    Made,
    Maker,
    damage,
    lose,
    owner_id,
    region,
    signing,
    snapshot,
)


@pytest.fixture
def made(france: Region) -> Made:
    return Maker(france.store).nights(FIRST, 3, OWNERS)


def look(where: Region, reads: Callable[[str], bool] = everything, **options: object) -> Verified:
    return verify_region(where, verify=signing.verify, now=NOW, reads=reads, **options)  # type: ignore[arg-type]


def test_a_whole_region_passes_and_is_left_as_it_is(france: Region, made: Made) -> None:
    before = snapshot(france.store)
    told: list[tuple[int, int]] = []
    found = look(france, progress=lambda objects, size: told.append((objects, size)))
    assert found.passed
    assert found.objects == len(made.keys) == told[-1][0]
    sizes = {stored.key: stored.size for stored in before}
    assert found.bytes == sum(sizes[key] for key in made.keys)
    assert found.read == sum(sizes[key] for key in made.keys if key not in made.objects) == told[-1][1]
    assert look(france, nothing).read == 0
    assert snapshot(france.store) == before


def test_an_empty_region_passes_with_nothing(france: Region) -> None:
    assert look(france) == Verified("france", 0, 0, 0, 0, ())


def test_damage_is_found_by_reading_alone_and_named_by_key(path: Path, france: Region, made: Made) -> None:
    pack = next(key for key in made.keys if "/p/" in key)
    damage(path / "france", france.store.head(pack))
    assert look(france, nothing).passed
    found = look(france)
    assert [(bad.key, bad.reason) for bad in found.bad] == [(pack, "damaged")]


class Careless(FolderStore):
    """Locks the first three packs in its own ways; `unlike` says which and how."""

    def put(self, key: str, data: bytes | BinaryIO, *, retain_until: datetime | None = None, **more: Any) -> Stored:
        if "/p/" in key and retain_until is not None and len(self.unlike) < 3:
            longer = Epoch.at(NOW).deadline + timedelta(hours=1)
            wrong = {"unlocked": None, "lock_short": retain_until - timedelta(days=1), "lock_long": longer}
            reason = list(wrong)[len(self.unlike)]
            self.unlike[key], retain_until = reason, wrong[reason]
        return super().put(key, data, retain_until=retain_until, **more)

    @cached_property
    def unlike(self) -> dict[str, str]:
        return {}


def test_every_reason(path: Path, france: Region) -> None:
    careless = Careless(path / "france", name="france")
    made = Maker(careless).nights(FIRST, 3, OWNERS, changing=1)
    expected = dict(careless.unlike)
    absent, hidden, cut, *_ = (key for key in made.keys if "/p/" in key and key not in expected)
    expected |= {absent: "missing", cut: "damaged"}
    lose(path / "france", absent)
    (path / "france" / cut).write_bytes(france.store.get(cut)[:-1])
    france.store.delete(hidden)  # it is there and locked: no reason
    lost = layout.tenant_key(OWNERS[1])
    france.store.delete(lost, version=france.store.head(lost).version)
    expected |= {lost: "missing", layout.tenant_key(OWNERS[0]): "shredded"}
    foreign = f"{layout.of_epoch(Epoch.at(NOW))}readme"
    france.store.put(foreign, b"hello")
    orphan = layout.pack(Epoch.at(NOW), OWNERS[0], "0" * 64)
    france.store.put(orphan, b"of a capture that was killed", retain_until=Epoch.at(NOW).locked_until)

    gone = hashlib.sha256(france.store.get(layout.tenant_key(OWNERS[0]))).hexdigest()
    found = look(france, shredded={OWNERS[0]}.__contains__, destroyed=[gone])
    assert {bad.key: bad.reason for bad in found.bad} == {**expected, foreign: "foreign"}
    assert found.orphans == 1
    assert found.bad_keys("missing") == tuple(sorted([absent, lost]))
    counts = found.receipt(max(made.nights), NOW).counts
    assert {reason: counts[reason] for reason in ("missing", "damaged", "foreign")} == {
        "missing": 2, "damaged": 1, "foreign": 1,
    }  # fmt: skip


def test_one_night_alone_with_its_chains(path: Path, france: Region, made: Made) -> None:
    last = max(made.nights)
    newest = [(owner, str(state.backup)) for owner, state in made.nights[last].owners.items()]
    needed = {(owner, backup) for owner, at in newest for backup in (at, *made.manifests[owner, at].chain)}
    objects = 1 + sum(1 + len(made.manifests[at].objects) for at in needed)
    assert look(france, backups=[last]).objects == objects
    assert look(france, backups=[min(made.nights)]).objects < look(france).objects
    away = layout.night(min(made.nights))
    lose(path / "france", away)
    assert look(france, backups=[last]).passed
    assert look(france, backups=[min(made.nights)]).bad_keys("missing") == (away,)


def test_a_manifest_that_a_night_names_and_nobody_lists(path: Path, france: Region, made: Made) -> None:
    (owner, backup), *_ = sorted(made.manifests)
    key = layout.manifest(backup, owner)
    lose(path / "france", key)
    assert key in look(france, nothing).bad_keys("missing")


def test_what_cannot_be_looked_at_is_not_called_bad(france: Region, made: Made) -> None:
    with pytest.raises(Degraded, match="france"):
        look(region("france", Faulty(france.store, down=True)))
    with pytest.raises(ClocksApart):
        look(region("france", Faulty(france.store, skew=400)))
    flaky = Faulty(france.store, seed=5, rate=0.4, kinds=("reset", "server", "late", "flip", "cut"))
    found = look(region("france", flaky))
    assert flaky.happened["flip"] + flaky.happened["cut"] > 0
    assert set(found.bad_keys()) <= set(made.keys)  # two flips in a row look like damage; the next night tells


def test_a_receipt_of_it_is_written_under_a_night(france: Region, made: Made) -> None:
    night = max(made.nights)
    write_receipt(france, look(france).receipt(night, NOW), signing)
    receipt = newest_receipts(france, night, signing.verify)["verified"]
    assert receipt.passed
    assert receipt.counts["objects"] == len(made.keys)
    assert look(france).passed  # it is of a shape of ours, and no orphan
    assert look(france).orphans == 0


def test_a_tenant_that_got_another_key_after_a_shredding_is_well(france: Region, made: Made) -> None:
    assert look(france, shredded={OWNERS[0]}.__contains__, destroyed=["0" * 64]).passed
    key = layout.tenant_key(OWNERS[0])
    france.store.delete(key, version=france.store.head(key).version)
    assert look(france, shredded={OWNERS[0]}.__contains__).passed
    assert look(france).bad_keys("missing") == (key,)


def test_each_object_is_read_once_within_so_many_nights() -> None:
    keys = [f"v1/e/2026-11-02/{owner_id(number)}/p/{number:064}" for number in range(500)]
    for seed in (1, 2):
        reads = [[key for key in keys if share(seed=seed, nights=7, night=night)(key)] for night in range(100, 107)]
        assert sorted(key for night in reads for key in night) == sorted(keys)
        assert all(40 < len(night) < 110 for night in reads)
    one, other = (share(seed=seed, nights=7, night=0) for seed in (1, 2))
    assert [one(key) for key in keys] != [other(key) for key in keys]
    assert share(seed=3, nights=1, night=5)(keys[0])
