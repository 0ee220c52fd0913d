"""The same story on a server that speaks S3: made, replicated, damaged, repaired, a region lost, expired.

MiniStack always; a Ceph gateway where GENUKA_TEST_RGW names one (and GENUKA_TEST_RGW_USA the other region's).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from genuka_pipelines.backups.calendar import LOCKED, Epoch
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.canary import attack_canary
from genuka_pipelines.backups.regions.catalogue import catalogue
from genuka_pipelines.backups.regions.expiring import absences, expire
from genuka_pipelines.backups.regions.receipts import newest_receipts
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.repairing import repair
from genuka_pipelines.backups.regions.replicating import replicate
from genuka_pipelines.backups.regions.verifying import verify_region
from genuka_pipelines.control import Control, open_control
from genuka_pipelines.stores.errors import Locked
from tests.backups.made import NOW, OWNERS, QUICK, Maker, owner_id, restorable, signing
from tests.servers import fresh_database
from tests.stores.backends import BucketBackend
from tests.stores.servers import ministack

FIRST = max(Epoch.at(NOW).begins, NOW - timedelta(days=2))


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "SKTEST")
        gateway = os.environ.get("GENUKA_TEST_RGW")
        if gateway:
            yield gateway, os.environ.get("GENUKA_TEST_RGW_USA", gateway)
        else:
            with ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
                yield endpoint, endpoint


@pytest.fixture
def control() -> Iterator[Control]:
    with fresh_database("postgresql") as url, open_control(str(url), upgrade=True) as opened:
        yield opened


def test_made_replicated_damaged_repaired_lost_and_expired(endpoints: tuple[str, str], control: Control) -> None:
    here, there = (BucketBackend(endpoint) for endpoint in endpoints)
    france, usa = Region("france", here.open(), QUICK), Region("usa", there.open(), QUICK)
    maker = Maker(france.store)
    made = maker.nights(FIRST, 2, OWNERS)
    night = max(made.nights)

    # replicated, once
    done = replicate(france, usa, verify=signing.verify, now=NOW, signing=signing)
    assert done.complete
    again = replicate(france, usa, verify=signing.verify, now=NOW, signing=signing)
    assert (again.copied, again.already) == (0, done.copied)
    assert newest_receipts(usa, night, signing.verify)["replicated"].passed
    found = catalogue(usa, verify=signing.verify, now=NOW)
    assert (found.manifests, found.nights, found.objects) == (made.manifests, made.nights, made.objects)
    assert verify_region(usa, verify=signing.verify, now=NOW).passed

    # what is locked stays, and what is laid above it hides nothing
    locked = usa.store.head(made.keys[0])
    with pytest.raises(Locked):
        usa.store.delete(locked.key, version=locked.version)
    for key in made.keys[:3]:
        there.damage(usa.store.head(key), b"not the bytes")
    assert verify_region(usa, verify=signing.verify, now=NOW).passed
    assert restorable(usa, made)

    # one region lost some, the other was never told of a night
    late = Maker(usa.store, seed=5).nights(FIRST + timedelta(hours=2), 1, [owner_id(3)])
    one, other = repair(france, usa, verify=signing.verify, now=NOW, signing=signing)
    assert (one.left, other.left) == ((), ())
    assert one.copied == len(late.keys) + 1
    assert restorable(france, late)

    # a region lost, another bucket filled from the one that is left
    lost = Region("usa", there.lost(), QUICK)
    with pytest.raises(Degraded, match="usa"):
        replicate(france, lost, verify=signing.verify, now=NOW)
    new = Region("usa", BucketBackend(endpoints[1]).open(), QUICK)
    assert replicate(france, new, verify=signing.verify, now=NOW).complete
    assert restorable(new, made)
    assert restorable(new, late)

    # the canary lives
    canary = attack_canary(france, now=NOW)
    assert (canary.alive, canary.lock) == (True, "compliance")

    # an old epoch goes whole, with what was never finished; the living one stays
    over = Epoch.at(NOW - LOCKED - timedelta(days=28))
    alive = [stored for stored in france.store.list(versions=True) if Epoch.at(NOW).name in stored.key]
    for number in range(3):
        for _ in range(2):
            france.store.put(f"{layout.of_owner(over, OWNERS[0])}p/{number}", os.urandom(9), if_absent=False)
    france.store.delete(f"{layout.of_owner(over, OWNERS[0])}p/1")
    here.begin(f"{layout.of_owner(over, OWNERS[0])}p/never")
    (expired,) = expire(france, control.ledger, now=NOW)
    assert (expired.epoch, expired.objects, expired.bytes, expired.absent) == (over, 7, 54, True)
    assert list(france.store.list(layout.of_epoch(over), versions=True)) == []
    assert list(france.store.incomplete(layout.of_epoch(over))) == []
    assert [s for s in france.store.list(versions=True) if Epoch.at(NOW).name in s.key] == alive
    assert absences(control.ledger) == {over: frozenset({"france"})}
