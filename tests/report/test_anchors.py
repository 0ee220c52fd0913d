"""An anchor that is gone, is garbage or lies at another's place is named; the rest is still verified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from genuka_pipelines.control import Lifecycle
from genuka_pipelines.report.anchors import KEPT, PREFIX, AnchorFault, AnchorProblem, anchor_ledger, verify_ledger
from genuka_pipelines.runtime import Runtime
from tests.cli.house import House, new_house

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_house(tmp_path) as made:
        with made.opened() as runtime:
            for ago in (2, 1, 0):
                runtime.control.ledger.append(Lifecycle(event="up"), as_of=NOW, now=NOW)
                anchor_ledger(runtime, as_of=NOW - ago * DAY, now=NOW)
        yield made


def key(runtime: Runtime, number: int, store: str = "backups_usa") -> str:
    """The key of the anchor with this number, the oldest first."""
    return [stored.key for stored in runtime.store(store).list(PREFIX)][number]


def day(ago: int) -> str:
    return (NOW - ago * DAY).date().isoformat()


def test_what_was_anchored_is_found(house: House) -> None:
    said = house.genuka("ledger", "verify", "--json")
    assert (said.code, said.json) == (0, {"entries": 6, "intact": True, "problems": []})


def test_a_deleted_anchor_is_missed_by_store_and_day(house: House) -> None:
    with house.opened() as runtime:
        runtime.store("backups_usa").delete(key(runtime, 1))
    said = house.genuka("ledger", "verify", "--json")
    assert said.code == 1
    assert said.json["problems"] == [{"seq": 3, "what": "anchor_missing", "store": "backups_usa", "day": day(1)}]
    shown = house.genuka("ledger", "verify")
    assert shown.code == 1
    assert f"the anchor of entry 3, of {day(1)}" in shown.out
    assert "no longer in the store backups_usa" in shown.out


GARBAGE = {
    "empty": b"",
    "half": b"{",
    "not text": b"\xff\xfe",
    "deep": b"[" * 4_000,
    "infinite": b'{"seq": 1e999, "hash": "' + b"0" * 64 + b'", "day": "2026-05-03", "signature": ""}',
    "little": b'{"seq": 5}',
    "null": b"null",
}


def test_garbage_is_named_and_the_others_are_still_read(house: House) -> None:
    with house.opened() as runtime:
        damaged = key(runtime, 0)
        runtime.store("backups_france").delete(key(runtime, 2, "backups_france"))
        blown_up = runtime.store("backups_usa").get(damaged) + b" " * 5_000
        for what, garbage in {**GARBAGE, "large": blown_up}.items():
            runtime.store("backups_usa").put(damaged, garbage, if_absent=False)
            assert verify_ledger(runtime).problems == (
                AnchorProblem(1, AnchorFault.DAMAGED, "backups_usa", day(2)),
                AnchorProblem(5, AnchorFault.MISSING, "backups_france", day(0)),
            ), what
    said = house.genuka("ledger", "verify")
    assert (said.code, said.err) == (1, "6 entries, NOT intact\n")
    assert f"of {day(2)} in the store backups_usa is not what was written" in said.out


def test_bytes_that_rotted_are_named(house: House, tmp_path: Path) -> None:
    with house.opened() as runtime:
        (bytes_,) = (tmp_path / "stores/usa/.store/versions" / key(runtime, 2)).rglob("*.data")
    bytes_.chmod(0o600)
    bytes_.write_bytes(bytes_.read_bytes().replace(b'"seq":5', b'"seq":1'))
    (problem,) = house.genuka("ledger", "verify", "--json").json["problems"]
    assert problem == {"seq": 5, "what": "anchor_damaged", "store": "backups_usa", "day": day(0)}


def test_another_days_anchor_does_not_stand_for_this_ones(house: House) -> None:
    with house.opened() as runtime:
        store = runtime.store("backups_usa")
        store.put(key(runtime, 2), store.get(key(runtime, 0)), if_absent=False)
        found = verify_ledger(runtime)
    assert found.problems == (AnchorProblem(5, AnchorFault.DAMAGED, "backups_usa", day(0)),)


def test_a_stranger_among_the_anchors_is_named(house: House) -> None:
    with house.opened() as runtime:
        runtime.store("backups_usa").put(f"{PREFIX}read.me", b"hello")
        found = verify_ledger(runtime)
    assert found.problems == (AnchorProblem(0, AnchorFault.DAMAGED, "backups_usa", "no day"),)


def test_an_anchor_is_missed_only_as_long_as_it_is_kept(house: House) -> None:
    with house.opened() as runtime:
        for store in ("backups_usa", "backups_france"):
            runtime.store(store).delete(key(runtime, 0, store))
        assert len(verify_ledger(runtime).problems) == 2
        assert len(verify_ledger(runtime, NOW + KEPT - timedelta(seconds=1)).problems) == 2
        assert verify_ledger(runtime, NOW + KEPT).intact


def test_an_altered_entry_does_not_hide_a_missing_anchor(house: House) -> None:
    engine = sa.create_engine(load(house))
    with engine.begin() as connection:
        connection.execute(sa.text("SET session_replication_role = replica"))
        connection.execute(sa.text("UPDATE ledger_entries SET body = '{}' WHERE seq = 3"))
    engine.dispose()
    with house.opened() as runtime:
        runtime.store("backups_usa").delete(key(runtime, 2))
    said = house.genuka("ledger", "verify", "--json")
    found = [(problem["seq"], problem["what"]) for problem in said.json["problems"]]
    assert (said.code, (3, "changed") in found, found[-1]) == (1, True, (5, "anchor_missing"))


def load(house: House) -> sa.URL:
    from genuka_pipelines.settings import load_settings

    return load_settings(house.env).url("control")


def test_a_store_that_cannot_be_read_is_no_missing_anchor(house: House, tmp_path: Path) -> None:
    house.refused("ledger", "verify", says="store usa does not exist", GENUKA_STORE_USA=(tmp_path / "gone").as_uri())
