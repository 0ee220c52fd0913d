from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import LONGEST
from genuka_pipelines.backups.errors import NotErasedYet
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.restoring.erasure_list import erasures_known, publish_erasures, read_list
from genuka_pipelines.control import Control, Erasure, ErasuresPublished
from genuka_pipelines.control.cuts import Cut, hashed
from genuka_pipelines.stores.errors import StoreUnreachable
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.store import Store
from tests.backups.taken import BackedHouse, Taker, facts
from tests.rows.destroyer import control_database, keyring

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
DAY = timedelta(days=1)


@pytest.fixture
def control() -> Iterator[Control]:
    with control_database() as found:
        yield found


@pytest.fixture
def house(control: Control, tmp_path: Path) -> BackedHouse:
    return house_of(control, tmp_path)


def house_of(control: Control, folder: Path) -> BackedHouse:
    stores = {name: FolderStore(folder / name, name=name, create=True) for name in ("backups_france", "backups_usa")}
    for store in stores.values():
        store.probe()
    return BackedHouse(facts(), control, keyring(), None, stores, folder, "postgresql")  # type: ignore[arg-type]


def erasure(name: str, at: datetime = NOW, **given: str) -> Erasure:
    row = hashlib.sha256(name.encode()).hexdigest()
    origin = given.pop("origin", "request")
    return Erasure(row=row, table="orders", system="shop_database", origin=origin, at=at, **given)


def path_of(house: BackedHouse, region: str, number: int) -> Path:
    path = house.folder / f"backups_{region}" / layout.erasure_segment(number)
    path.chmod(0o600)
    return path


def lose(house: BackedHouse, region: str, number: int) -> None:
    """Every version is gone, as if its lock had ended."""
    key, after = layout.erasure_segment(number), datetime.now(UTC) + 2 * LONGEST
    store = FolderStore(house.folder / f"backups_{region}", name="later", clock=lambda: after)
    for one in list(store.list(key, versions=True)):
        store.delete(key, version=one.version)


def rows_of(house: BackedHouse, **regions: Store) -> dict[str, datetime]:
    known = read_list(regions or house.regions, house.keyring)
    return {one.row: one.at for one in known.listed.values()}


def test_what_is_listed_late_or_again_is_published_and_nothing_twice(house: BackedHouse) -> None:
    """A deletion is found the night after; its moment may lie before the last segment."""
    first, later = erasure("a"), erasure("b", NOW - 20 * DAY)
    house.control.erasures.record([first])
    publish_erasures(house, NOW)
    house.control.erasures.record([later, erasure("a", NOW + timedelta(seconds=9))])
    publish_erasures(house, NOW + timedelta(minutes=1))
    publish_erasures(house, NOW + timedelta(minutes=2))
    assert rows_of(house) == {first.row: NOW + timedelta(seconds=9), later.row: later.at}
    known = read_list(house.regions, house.keyring)
    assert [one.header.entries for one in known.segments] == [1, 2, 0]
    for store in house.regions.values():
        assert [store.retention(layout.erasure_segment(n)).until for n in range(3)] == [  # type: ignore[union-attr]
            NOW + timedelta(minutes=n) + LONGEST for n in range(3)
        ]
        assert rows_of(house, alone=store) == rows_of(house)
    (said,) = house.control.ledger.latest(ErasuresPublished)
    assert (said.body.number, said.body.regions) == (2, ("france", "usa"))
    raw = path_of(house, "france", 1).read_bytes()
    assert first.row.encode() not in raw
    assert b"orders" not in raw


@pytest.mark.parametrize("harm", ["gap", "altered", "signature", "swapped", "shortened", "all gone"])
def test_a_list_that_is_not_whole_stops_every_restore(house: BackedHouse, harm: str) -> None:
    for number in range(3):
        house.control.erasures.record([erasure(str(number))])
        publish_erasures(house, NOW + timedelta(seconds=number))
    for region in house.regions:
        one, two = path_of(house, region, 1), path_of(house, region, 2)
        data = one.read_bytes()
        if harm == "gap":
            lose(house, region, 1)
        elif harm == "altered":
            one.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        elif harm == "signature":
            one.write_bytes(data.replace(b'"entries":1', b'"entries":0'))
        elif harm == "swapped":
            one.write_bytes(two.read_bytes())
        elif harm == "shortened":
            lose(house, region, 2)
        else:
            for number in range(3):
                lose(house, region, number)
    with pytest.raises(NotErasedYet):
        erasures_known(house, since=NOW - DAY, now=NOW + timedelta(minutes=1))


def test_one_region_s_copy_is_enough_and_the_other_is_mended(house: BackedHouse) -> None:
    house.control.erasures.record([erasure("a")])
    publish_erasures(house, NOW)
    path = path_of(house, "france", 0)
    path.write_bytes(b"nothing")
    assert set(rows_of(house)) == {erasure("a").row}
    house.stores["backups_usa"].delete(layout.erasure_segment(0))
    assert set(rows_of(house)) == {erasure("a").row}
    lose(house, "france", 0)
    publish_erasures(house, NOW)
    assert set(rows_of(house, alone=house.regions["france"])) == {erasure("a").row}


def test_while_a_region_is_down_the_list_goes_on_and_never_forks(
    house: BackedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> Iterator[None]:
        raise StoreUnreachable("nobody answers")

    publish_erasures(house, NOW)
    france, usa = house.regions["france"], house.regions["usa"]
    house.control.erasures.record([erasure("a")])
    with monkeypatch.context() as patch:
        patch.setattr(usa, "list", down)
        assert publish_erasures(house, NOW).down == ("usa",)
    with monkeypatch.context() as patch:
        patch.setattr(france, "list", down)
        with pytest.raises(NotErasedYet, match="france does not answer"):
            publish_erasures(house, NOW)
        with pytest.raises(NotErasedYet, match="france does not answer"):
            erasures_known(house, since=NOW, now=NOW)
    publish_erasures(house, NOW)
    assert rows_of(house, alone=usa) == rows_of(house, alone=france) == {erasure("a").row: NOW}


def test_it_must_be_as_fresh_as_the_newest_night_and_as_the_control_database(house: BackedHouse) -> None:
    taker = Taker(house)
    publish_erasures(house, NOW - timedelta(minutes=9))
    _night(taker, NOW - timedelta(minutes=3))
    house.control.erasures.record([erasure("today")])
    known = erasures_known(house, since=NOW - DAY, now=NOW)
    assert known.head is not None
    assert (known.head.number, known.head.created) == (1, NOW)
    assert erasures_known(house, since=NOW - DAY, now=NOW + timedelta(minutes=1)).head == known.head
    _night(taker, NOW + timedelta(minutes=3))
    with pytest.raises(NotErasedYet, match="newest night"):
        # The clock was set back: nothing that can be published now is as new as that night.
        erasures_known(house, since=NOW - DAY, now=NOW)


def test_after_the_loss_of_the_control_database_the_stores_alone_say_who_was_erased(house: BackedHouse) -> None:
    house.control.erasures.record([erasure("a"), erasure("b", database="t1", origin="tenant_end")])
    publish_erasures(house, NOW)
    with control_database() as anew:
        again = house_of(anew, house.folder)
        assert erasures_known(again, since=NOW - DAY, now=NOW).listed.keys() == {
            erasure("a").id, erasure("b", database="t1", origin="tenant_end").id,
        }  # fmt: skip
        assert anew.erasures.count() == 2


def test_a_list_may_begin_late_only_if_what_it_lacks_is_older_than_the_backup(house: BackedHouse) -> None:
    for number in range(3):
        publish_erasures(house, NOW + timedelta(seconds=number))
    for region in house.regions:
        lose(house, region, 0)
    erasures_known(house, since=NOW, now=NOW + timedelta(minutes=1))
    with pytest.raises(NotErasedYet, match="begins after"):
        erasures_known(house, since=NOW - timedelta(seconds=1), now=NOW + timedelta(minutes=1))


def test_an_empty_house_has_no_list_yet_and_makes_one(house: BackedHouse) -> None:
    assert read_list(house.regions, house.keyring).head is None
    assert erasures_known(house, since=NOW - DAY, now=NOW).listed == {}


def _night(taker: Taker, when: datetime) -> None:
    """A night of nobody."""
    from genuka_pipelines.backups.calendar import backup_id
    from genuka_pipelines.backups.capturing.putting import Putting
    from genuka_pipelines.backups.format.night import Night

    night = Night(backup=backup_id(when), created=when, finished=when, owners={}, tenants={}, row_key="0" * 64)
    for store in taker.house.regions.values():
        with Putting(store) as putting:
            putting.night(night, taker.house.keyring)


def test_a_segment_that_only_a_region_that_is_down_got_is_put_again_and_no_other(
    house: BackedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another of the same number would fork the chain, and nothing could be restored once the region is back."""

    def dies(*_: object, **__: object) -> None:
        raise StoreUnreachable("nobody answers")

    publish_erasures(house, NOW)
    france, usa = house.regions["france"], house.regions["usa"]
    house.control.erasures.record([erasure("a")])
    with monkeypatch.context() as patch:
        patch.setattr(usa, "put", dies)
        with pytest.raises(StoreUnreachable):
            publish_erasures(house, NOW)
    house.control.erasures.record([erasure("b", NOW + timedelta(seconds=1))])
    with monkeypatch.context() as patch:
        patch.setattr(france, "list", dies)
        later = publish_erasures(house, NOW + timedelta(minutes=1))
    assert [one.header.entries for one in later.segments] == [0, 1, 1]
    publish_erasures(house, NOW + timedelta(minutes=2))
    assert len(rows_of(house, france=france)) == len(rows_of(house, usa=usa)) == len(rows_of(house)) == 2
    assert not (house.backups / "erasures.begun").exists()


def test_cuts_are_in_the_list_and_outlive_the_control_database(house: BackedHouse, control: Control) -> None:
    cut = Cut(
        row="a" * 64, table="orders", column="note", system="shop_database", at=NOW,
        address=hashed("ann@example.org", house.keyring.erasure),
    )  # fmt: skip
    later = cut.model_copy(update={"at": NOW + timedelta(seconds=9)})
    control.cuts.record([cut, cut.model_copy(update={"column": "title", "at": NOW - 3 * DAY})])
    control.erasures.record([erasure("a")])
    publish_erasures(house, NOW)
    control.cuts.record([later, cut])
    known = erasures_known(house, since=NOW - DAY, now=NOW + timedelta(minutes=1))
    assert [one.header.entries for one in known.segments] == [3, 1]
    assert known.cuts[cut.id] == later
    assert len(known.cuts) == 2
    raw = b"".join(path_of(house, "france", number).read_bytes() for number in range(2))
    assert b"note" not in raw
    with control_database() as another:
        again = replace(house, control=another)
        assert erasures_known(again, since=NOW - DAY, now=NOW + timedelta(minutes=2)).cuts.keys() == known.cuts.keys()
        assert list(another.cuts.since(NOW - DAY)) == [later]
