from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from genuka_pipelines.control import Control, Erasure, NotOpaque
from genuka_pipelines.control import erasures as erasures_module

HOUR = timedelta(hours=1)


def erasure(number: int, at: datetime, /, **changed: object) -> Erasure:
    fields: dict[str, object] = {
        "row": f"{number:064x}", "table": "orders", "system": "genuka_database", "origin": "request", "at": at,
    }  # fmt: skip
    return Erasure.model_validate(fields | changed)


def test_rows_come_back_in_the_order_they_went(
    control: Control, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures_module, "PAGE", 4)
    listed = [erasure(number, now + (number // 5) * HOUR) for number in range(23)]
    control.erasures.record(reversed(listed))
    assert control.erasures.count() == 23
    everything = list(control.erasures.since(now - HOUR))
    assert sorted(everything, key=lambda each: each.row) == listed
    assert [each.at for each in everything] == sorted(each.at for each in listed)
    assert {each.row for each in control.erasures.since(now + 2 * HOUR)} == {each.row for each in listed[10:]}
    assert list(control.erasures.since(now + 9 * HOUR)) == []


def test_repeating_adds_nothing_and_a_second_erasure_counts_from_the_later(control: Control, now: datetime) -> None:
    control.erasures.record([erasure(1, now), erasure(2, now), erasure(1, now)])
    control.erasures.record([erasure(1, now + HOUR), erasure(1, now - HOUR), erasure(2, now - HOUR)])
    control.erasures.record([])
    assert [(each.row[-1], each.at) for each in control.erasures.since(now - 9 * HOUR)] == [
        ("2", now), ("1", now + HOUR),
    ]  # fmt: skip


def test_the_same_hash_in_another_place_or_for_another_reason_is_another(control: Control, now: datetime) -> None:
    kinds = [
        {}, {"origin": "person"}, {"origin": "tenant"}, {"origin": "tenant_end"}, {"table": "Orders"},
        {"system": "genletter_database"}, {"database": "dedicated_01"},
    ]  # fmt: skip
    control.erasures.record(erasure(1, now, **kind) for kind in kinds)
    assert control.erasures.count() == len(kinds)
    assert {each.origin for each in control.erasures.since(now, ["person", "tenant"])} == {"person", "tenant"}
    assert list(control.erasures.since(now, [])) == []
    (dedicated,) = [each for each in control.erasures.since(now) if each.database]
    assert dedicated == erasure(1, now, database="dedicated_01")


def test_a_long_list_is_written_while_it_is_read(
    control: Control, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures_module, "PAGE", 50)

    def many() -> Iterator[Erasure]:
        for number in range(120):
            assert control.erasures.count() == number // 50 * 50
            yield erasure(number, now)

    control.erasures.record(many())
    assert control.erasures.count() == 120


def test_two_who_record_at_once_do_not_wait_for_each_other(control: Control, now: datetime) -> None:
    numbers = list(range(300))
    threads = [
        threading.Thread(target=control.erasures.record, args=([erasure(n, now) for n in order],))
        for order in (numbers, numbers[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert control.erasures.count() == 300


def test_nothing_about_a_person_fits_nor_a_moment_without_a_zone(now: datetime) -> None:
    for field in ("row", "table", "system", "database", "origin", "at"):
        with pytest.raises(NotOpaque, match=field) as refusal:
            erasure(1, now, **{field: "aicha@exemple.cm"})
        assert "aicha" not in str(refusal.value)
    with pytest.raises(NotOpaque, match="at"):
        erasure(1, now.replace(tzinfo=None))
