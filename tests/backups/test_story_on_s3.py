"""The same stories on a server that speaks S3: made, replicated, damaged, repaired, a region lost, expired; and with
a real database captured, its rows restored and its erasures replayed.

MiniStack always; a Ceph gateway where GENUKA_TEST_RGW names one (and GENUKA_TEST_RGW_USA the other region's).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genuka_pipelines.backups.calendar import LOCKED, Epoch
from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.errors import NotErasedYet
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.nightly import bring, mend, prepare_regions
from genuka_pipelines.backups.regions.canary import attack_canary
from genuka_pipelines.backups.regions.catalogue import catalogue
from genuka_pipelines.backups.regions.expiring import absences, expire
from genuka_pipelines.backups.regions.receipts import newest_receipts
from genuka_pipelines.backups.regions.region import Degraded, Region
from genuka_pipelines.backups.regions.repairing import repair
from genuka_pipelines.backups.regions.replicating import replicate
from genuka_pipelines.backups.regions.verifying import verify_region
from genuka_pipelines.backups.restoring import Reach, opened_backups, plan_of, restore, targets_in
from genuka_pipelines.control import Control, Erasure, open_control
from genuka_pipelines.stores.errors import Locked
from tests.backups.made import NOW, OWNERS, QUICK, Maker, owner_id, restorable, signing
from tests.backups.taken import ALPHA, CUSTOMERS, ORDERS, SYSTEM, BackedHouse, backed_house, rows_in
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


def test_captured_damaged_repaired_lost_restored_and_erased_for_good(endpoints: tuple[str, str]) -> None:
    here, there = (BucketBackend(endpoint) for endpoint in endpoints)
    with backed_house("postgresql") as plain:
        house = _in(plain, here.open(), there.open())
        plan = house.catalog.backups["nightly"]
        for _ in range(2):
            captured = capture(house, plan, now=_now())
            assert captured.failed == {}
            prepare_regions(house, plan, now=_now())
            for name in plan.regions:
                assert bring(house, plan, name, clock=_now).whole
            house.run("UPDATE orders SET note = 'later' WHERE id % 2 = 0")
        assert {one.captured for one in captured.night.owners.values()} == {True, False}
        # hidden in one region, covered with other bytes in the other: what is locked lies below
        objects = [one for one in house.stores["backups_france"].list(layout.EPOCHS) if "/r/" not in one.key]
        for one in objects[::3]:
            with suppress(Locked):  # the emulator does not even let it be hidden
                house.stores["backups_france"].delete(one.key)
            there.damage(house.stores["backups_usa"].head(one.key), b"not the bytes")
        assert [one.whole for one in mend(house, plan, now=_now())] == [True, True]
        assert _restored(house) == {"customers": 4, "orders": 8}

        # who is erased while a region is down stays erased, whichever region is left
        _erase(house, f"{ALPHA}-c1")
        assert _restored(_in(house, here.open(), there.lost())) == {"customers": 3, "orders": 8}
        with pytest.raises(NotErasedYet, match="put the newest segments back, or wait for the region"):
            _restored(_in(house, here.lost(), there.open()))

        # a region lost for good: another bucket is filled from the one that is left, and then is enough alone
        house = _in(house, here.open(), BucketBackend(endpoints[1]).open())
        prepare_regions(house, plan, now=_now())
        assert bring(house, plan, "usa", clock=_now).whole
        assert _restored(_in(house, here.lost(), house.stores["backups_usa"])) == {"customers": 3, "orders": 8}
        assert house.control.ledger.verify().intact


def _now() -> datetime:
    return datetime.now(UTC)


def _in(house: BackedHouse, france: Any, usa: Any) -> BackedHouse:
    return replace(house, stores={"backups_france": france, "backups_usa": usa})


def _erase(house: BackedHouse, customer: str) -> None:
    row = house.keyring.erasure.hex(f"customers\x1f{customer}".encode())
    house.control.erasures.record([Erasure(row=row, table="customers", system=SYSTEM, at=_now(), origin="request")])


def _restored(house: BackedHouse) -> dict[str, int]:
    """A tenant's rows in a database of their own, and how many of each table there are."""
    opened = opened_backups(Reach.of(house, _now()), "tenant", tenant=ALPHA)
    plan = plan_of(opened)
    with fresh_database("postgresql") as url:
        restore(house, plan, opened.backups, targets_in(plan, url), clock=_now)
        return {table.name: len(rows_in(url, table, "id")) for table in (CUSTOMERS, ORDERS)}
