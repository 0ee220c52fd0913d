"""A whole epoch dies when its lock is over, in each region, with an intention before and a proof after."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import LOCKED, LONGEST, Epoch
from genuka_pipelines.backups.errors import ClocksApart, OverTwelveMonths
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.regions.canary import attack_canary, canary_key
from genuka_pipelines.backups.regions.expiring import absences, expire
from genuka_pipelines.backups.regions.overdue import overdue
from genuka_pipelines.backups.regions.receipts import Receipt, write_receipt
from genuka_pipelines.backups.regions.region import Degraded, Region, living, over
from genuka_pipelines.control import Absence, Control, Done, Planned
from tests.backups.faults import Faulty, Killed
from tests.backups.made import NOW, OWNERS, QUICK, Clock, Made, Maker, folder, signing, snapshot

OVER = Epoch.at(NOW - LOCKED - timedelta(days=28))
LIVING = Epoch.at(NOW - timedelta(days=100))


@dataclass
class Old:
    """A region whose oldest epoch is over, and whose ledger name no other test has."""

    region: Region
    clock: Clock
    made: Made


@pytest.fixture
def old(path: Path, request: pytest.FixtureRequest) -> Old:
    clock = Clock()
    name = f"r{zlib.crc32(request.node.name.encode()) % 10**5}"
    where = Region(name, folder(path / "here", name, clock), QUICK)
    maker = Maker(where.store)
    for epoch in (OVER, LIVING):
        clock.now = epoch.begins + timedelta(hours=1)
        maker.nights(clock.now, 2, OWNERS)
        attack_canary(where, now=clock.now)
    clock.now = None
    return Old(where, clock, maker.made)


def of(where: Region, epoch: Epoch) -> list[str]:
    return [each.key for each in snapshot(where.store) if f"/{epoch.name}" in each.key]


def test_an_epoch_that_is_over_goes_and_nothing_else(old: Old, control: Control) -> None:
    where = old.region
    key = next(key for key in old.made.keys if OVER.name in key and "/p/" in key)
    where.store.delete(key)
    where.store.put(f"{layout.of_epoch(OVER)}stray", b"of nobody")
    old.clock.now = OVER.begins + timedelta(days=2)
    night = min(old.made.nights)
    write_receipt(where, Receipt(what="verified", backup=night, region=where.name, at=NOW), signing)
    old.clock.now = None
    doomed, spared = of(where, OVER), of(where, LIVING)
    assert canary_key(OVER) in doomed
    sizes = sum(each.size for each in snapshot(where.store) if each.key in doomed)
    told: list[tuple[int, int]] = []

    (done,) = expire(where, control.ledger, now=NOW, progress=lambda objects, size: told.append((objects, size)))
    assert (done.epoch, done.objects, done.bytes, done.locked) == (OVER, len(doomed), sizes, 0)
    assert told[-1] == (done.objects, done.bytes)
    assert of(where, OVER) == []
    assert of(where, LIVING) == spared
    assert {layout.tenant_key(owner) for owner in OWNERS} <= {each.key for each in snapshot(where.store)}

    entries = [e.body for e in control.ledger.entries() if where.name in str(e.body)]
    planned, absent, outcome = entries
    assert isinstance(outcome, Done)
    assert isinstance(planned, Planned)
    assert isinstance(absent, Absence)
    assert (planned.verb, planned.count, planned.table) == ("delete", len(doomed), f"epoch_{OVER.first:%Ym%md%d}")
    assert (absent.epoch, absent.region) == (OVER.first, where.name)
    assert (absent.objects, absent.bytes) == (len(doomed), sizes)
    assert (outcome.count, outcome.root) == (planned.count, planned.root)
    assert absences(control.ledger)[OVER] >= {where.name}
    assert overdue(where, NOW) is None


def test_again_adds_nothing(old: Old, control: Control) -> None:
    expire(old.region, control.ledger, now=NOW)
    before = control.ledger.head().seq, snapshot(old.region.store)
    assert expire(old.region, control.ledger, now=NOW) == ()
    assert (control.ledger.head().seq, snapshot(old.region.store)) == before


@pytest.mark.parametrize("lives", [0, 1, 9, 99])
def test_a_killed_run_is_finished_under_its_own_intention(old: Old, control: Control, lives: int) -> None:
    doomed = of(old.region, OVER)
    last = min(lives, len(doomed) - 1)

    class Dying(Faulty):
        def delete(self, key: str, *, version: str | None = None) -> str | None:
            if self.happened["delete"] == last:
                raise Killed
            self.happened["delete"] += 1
            return super().delete(key, version=version)

    with pytest.raises(Killed):
        expire(Region(old.region.name, Dying(old.region.store), QUICK), control.ledger, now=NOW, workers=1)
    assert len(of(old.region, OVER)) == len(doomed) - last
    assert not absences(control.ledger).get(OVER, frozenset()) & {old.region.name}
    opened = control.ledger.open_intents(f"backups/{old.region.name}:")
    expire(old.region, control.ledger, now=NOW, workers=1)
    assert control.ledger.open_intents(f"backups/{old.region.name}:") == ()
    assert of(old.region, OVER) == []
    (absent,) = [e.body for e in control.ledger.latest(Absence) if e.body.region == old.region.name]
    assert absent.objects == len(doomed)
    (intent,) = opened
    assert [e.body.count for e in control.ledger.latest(Done) if e.body.intent == intent.seq] == [len(doomed)]


def test_manifests_go_before_what_they_name(old: Old, control: Control) -> None:
    order: list[str] = []

    class Watching(Faulty):
        def delete(self, key: str, *, version: str | None = None) -> str | None:
            order.append(key)
            return super().delete(key, version=version)

    expire(Region(old.region.name, Watching(old.region.store), QUICK), control.ledger, now=NOW)
    for (owner, backup), header in old.made.manifests.items():
        if header.epoch == OVER:
            place = order.index(layout.manifest(backup, owner))
            assert all(order.index(each.key) > place for each in header.objects)
            assert all(order.index(layout.manifest(before, owner)) > place for before in header.chain)
            assert all(order.index(night) < place for night in order if "/n/" in night)


def test_what_is_locked_still_stays_and_past_its_deadline_alarms(path: Path, control: Control) -> None:
    clock = Clock()
    ancient = Epoch.at(NOW - LONGEST - timedelta(days=60))
    for epoch, name in ((OVER if OVER.deadline > NOW else None, "soon"), (ancient, "late")):
        if epoch is None:
            continue
        where = Region(name, folder(path / name, name, clock), QUICK)
        clock.now = epoch.begins + timedelta(hours=1)
        made = Maker(where.store).nights(clock.now, 1, OWNERS)
        clock.now = None
        held = next(key for key in made.keys if "/p/" in key)
        where.store.retain(held, NOW + timedelta(days=1))
        if name == "late":
            with pytest.raises(OverTwelveMonths, match=held) as alarm:
                expire(where, control.ledger, now=NOW)
            assert alarm.value.exit_code == 1
        else:
            (done,) = expire(where, control.ledger, now=NOW)
            assert (done.absent, done.locked) == (False, 1)
        assert of(where, epoch) == [held]
        assert name not in absences(control.ledger).get(epoch, frozenset())
        (outcome,) = [e.body for e in control.ledger.latest(Done) if e.body.rule == f"backups/{name}:expiry"]
        assert outcome.count == len(made.keys) - 1


def test_what_is_old_outside_of_every_epoch_alarms_too(path: Path) -> None:
    clock = Clock(NOW - LONGEST - timedelta(days=1))
    where = Region("stray", folder(path / "stray", "stray", clock), QUICK)
    for key in (layout.tenant_key(OWNERS[0]), layout.erasure_segment(1), f"{layout.EPOCHS}readme", "elsewhere/x"):
        where.store.put(key, b"old")
    found = overdue(where, NOW)
    assert found is not None
    assert (found.objects, found.oldest) == (1, f"{layout.EPOCHS}readme")


def test_an_open_or_locked_epoch_is_never_touched(path: Path, control: Control) -> None:
    """Not even where its objects carry no lock."""
    clock = Clock()
    where = Region("open", folder(path / "open", "open", clock), QUICK)
    for epoch in living(NOW):
        where.store.put(f"{layout.of_epoch(epoch)}{OWNERS[0]}/k", b"unlocked")
    before = snapshot(where.store)
    assert expire(where, control.ledger, now=NOW) == ()
    assert snapshot(where.store) == before


def test_every_epoch_is_either_living_or_over() -> None:
    for hours in range(0, 24 * 800, 97):
        moment = NOW - timedelta(hours=hours)
        alive, dead = living(moment), over(moment)
        assert not set(alive) & set(dead)
        assert [*dead, *alive] == sorted({*dead, *alive})
        assert all(moment < epoch.locked_until for epoch in alive)
        assert len(alive) <= 13
        assert Epoch.at(moment) == alive[-1] or Epoch.at(moment + timedelta(minutes=5)) == alive[-1]


def test_nothing_goes_while_clocks_are_apart_or_nobody_answers(old: Old, control: Control) -> None:
    before, seq = snapshot(old.region.store), control.ledger.head().seq
    with pytest.raises(ClocksApart):
        expire(Region("skewed", Faulty(old.region.store, skew=301), QUICK), control.ledger, now=NOW)
    with pytest.raises(Degraded, match="downtown"):
        expire(Region("downtown", Faulty(old.region.store, down=True), QUICK), control.ledger, now=NOW)
    assert (snapshot(old.region.store), control.ledger.head().seq) == (before, seq)
