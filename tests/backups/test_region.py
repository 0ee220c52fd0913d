"""A store that fails is asked again, and one that is down is named."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from genuka_pipelines.backups.regions.region import Degraded, Region, in_parallel
from genuka_pipelines.stores.errors import NoSuchBucket, NotAllowed, StoreUnreachable
from tests.backups.made import folder


@pytest.fixture
def where(tmp_path: Path) -> Region:
    return Region("france", folder(tmp_path, "a store"), (0.0, 0.0))


@pytest.mark.parametrize(("failures", "attempts"), [(0, 1), (1, 2), (2, 3)])
def test_asked_again_until_it_answers(where: Region, failures: int, attempts: int) -> None:
    asked: list[int] = []

    def act() -> str:
        asked.append(1)
        if len(asked) <= failures:
            raise StoreUnreachable("no")
        return "yes"

    assert where.again(act) == "yes"
    assert len(asked) == attempts


def test_down_is_told_by_the_name_of_the_region(where: Region) -> None:
    for error, attempts in ((StoreUnreachable("no"), 3), (NoSuchBucket("gone"), 1)):
        asked: list[int] = []

        def act(error: Exception = error, asked: list[int] = asked) -> None:
            asked.append(1)
            raise error

        with pytest.raises(Degraded, match="france") as degraded:
            where.again(act)
        assert (degraded.value.region, len(asked)) == ("france", attempts)


def test_other_errors_pass_at_once(where: Region) -> None:
    def act() -> None:
        raise NotAllowed("these credentials")

    with pytest.raises(NotAllowed):
        where.again(act)


def test_many_at_once_are_bounded_and_the_first_error_stops_the_rest() -> None:
    alone, most, now = threading.Lock(), 0, 0
    begun: list[int] = []

    def act(number: int) -> None:
        nonlocal most, now
        with alone:
            now += 1
            most = max(most, now)
            begun.append(number)
        threading.Event().wait(0.001)
        with alone:
            now -= 1
        if number == 40:
            raise NotAllowed("stop")

    in_parallel(act, range(30), 3)
    assert sorted(begun) == list(range(30))
    assert most == 3
    with pytest.raises(NotAllowed):
        in_parallel(act, iter(range(30, 10_000)), 3)
    assert len(begun) < 100
    in_parallel(act, [], 3)
