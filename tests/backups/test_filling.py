"""Small runs of a table are loaded together, large ones as they come; no row is lost, doubled or in another table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.backups.restoring import filling
from genuka_pipelines.backups.restoring.filling import Filling
from genuka_pipelines.backups.restoring.reading import Run, Where
from tests.conftest import ROUNDS

SHARED, OWN = Where("shop"), Where("shop", own=True)
runs = st.lists(
    st.tuples(st.sampled_from([SHARED, OWN]), st.sampled_from(["orders", "lines"]), st.lists(st.integers(1, 40))),
    max_size=20,
)


@settings(max_examples=ROUNDS, deadline=None)
@given(runs, st.integers(0, 60), st.integers(0, 120))
def test_every_row_arrives_once_in_its_own_table(given_runs: Any, small: int, held: int) -> None:
    sent: dict[Any, bytes] = {}
    got: dict[Any, bytes] = {}
    loads: list[int] = []

    def load(run: Run, blocks: Iterator[bytes]) -> None:
        found = list(blocks)
        loads.append(sum(map(len, found)))
        key = run.where, run.table
        got[key] = got.get(key, b"") + b"".join(found)

    before = filling.SMALL, filling.HELD
    filling.SMALL, filling.HELD = small, held
    try:
        into = Filling(load)
        for number, (where, table, sizes) in enumerate(given_runs):
            blocks = [b"%d" % (number % 10) * size + b"\n" for size in sizes]
            sent[where, table] = sent.get((where, table), b"") + b"".join(blocks)
            into.add(Run(where, table, ("id",), iter(blocks)))
            assert into.waiting <= held
        into.finish()
    finally:
        filling.SMALL, filling.HELD = before
    assert {key: sorted(rows.splitlines()) for key, rows in got.items()} == {
        key: sorted(rows.splitlines()) for key, rows in sent.items() if rows
    }
    assert into.waiting == 0


def test_a_month_of_small_nights_is_one_load_for_each_table_and_a_large_run_is_not_held() -> None:
    loads: list[tuple[str, int]] = []

    def load(run: Run, blocks: Iterator[bytes]) -> None:
        loads.append((run.table, sum(map(len, blocks))))

    into = Filling(load)
    for _ in range(28):
        for table in ("orders", "lines"):
            into.add(Run(SHARED, table, ("id",), iter([b"1\n"])))
    assert loads == []
    into.add(Run(SHARED, "orders", ("id",), iter([bytes(filling.SMALL), b"2\n", b"3\n"])))
    assert loads == [("orders", filling.SMALL + 4)]
    into.finish()
    assert loads[1:] == [("orders", 56), ("lines", 56)]
