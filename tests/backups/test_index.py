"""The row index against a dictionary: nights of inserts, updates, deletions, moves and rows that are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.capturing.index import RowIndex, RowsRepeated, write_index
from genuka_pipelines.backups.capturing.sorting import Halves, Newcomers
from genuka_pipelines.backups.errors import IndexUnusable

Row = tuple[int, int]
# Few first halves, so that many rows share one.
ROWS = st.dictionaries(
    st.tuples(st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.integers(0, 5)), st.integers(0, 3), max_size=25
)


def halves(rows: list[Row]) -> Halves:
    return np.array(rows, dtype=np.uint64).reshape(-1, 2)


def night(
    folder: Path, path: Path, rows: dict[Row, int], *, batch: int, run_rows: int = 1 << 20
) -> tuple[set[Row], set[tuple[int, Row]]]:
    """One night: what was new, and what is gone (with its owner)."""
    before = RowIndex.open(path) if path.exists() else None
    fresh = Newcomers(folder, run_rows)
    new: set[Row] = set()
    listed = list(rows)
    for start in range(0, len(listed), batch):
        part = listed[start : start + batch]
        wanted = halves(part)
        owners = np.array([rows[row] for row in part], dtype=np.uint32)
        known = np.zeros(len(part), dtype=bool)
        if before is not None:
            found = before.find(wanted)
            known = found.known
            assert found.owners[known].tolist() == owners[known].tolist()
        new |= {row for row, seen in zip(part, known, strict=True) if not seen}
        fresh.add(wanted[~known], owners[~known])
    gone = set()
    if before is not None:
        for part_gone in before.gone():
            found_gone = zip(part_gone.first, part_gone.second, part_gone.owners, strict=True)
            gone |= {(int(owner), (int(first), int(second))) for first, second, owner in found_gone}
    assert write_index(path, before, fresh) == len(rows)
    return new, gone


@given(nights=st.lists(ROWS, min_size=1, max_size=5), batch=st.integers(1, 9), run_rows=st.integers(1, 9))
def test_every_night_tells_what_is_new_and_what_is_gone(
    tmp_path_factory: pytest.TempPathFactory, nights: list[dict[Row, int]], batch: int, run_rows: int
) -> None:
    folder = tmp_path_factory.mktemp("index")
    before: dict[Row, int] = {}
    for rows in nights:
        # A row's hash covers its tenant: one that moved is another row.
        tonight = {row: before.get(row, owner) for row, owner in rows.items()}
        new, gone = night(folder, folder / "table", tonight, batch=batch, run_rows=run_rows)
        assert new == set(tonight) - set(before)
        assert gone == {(owner, row) for row, owner in before.items() if row not in tonight}
        before = tonight
    assert sorted(path.name for path in folder.iterdir()) == ["table"]


def test_a_large_table_is_merged_in_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genuka_pipelines.backups.capturing.index._STEP", 1000)
    monkeypatch.setattr("genuka_pipelines.backups.capturing.seen._IN_MEMORY", 1000)
    numbers = np.random.default_rng(20261122)
    rows = {(int(a), int(b)): int(a) % 7 for a, b in numbers.integers(0, 2**63, (20_000, 2)).tolist()}
    night(tmp_path, tmp_path / "table", rows, batch=3000, run_rows=2000)
    listed = list(rows)
    kept = {row: rows[row] for row in listed[500:]} | {(5, number): 1 for number in range(400)}
    new, gone = night(tmp_path, tmp_path / "table", kept, batch=3000, run_rows=300)
    assert (len(new), len(gone)) == (400, 500)
    assert night(tmp_path, tmp_path / "table", kept, batch=3000) == (set(), set())


@pytest.mark.parametrize("known", [True, False])
def test_equal_rows_are_noticed_wherever_they_are(tmp_path: Path, known: bool) -> None:
    path = tmp_path / "table"
    twice = [(7, 8), (7, 9), (7, 8)]
    owners = np.zeros(3, dtype=np.uint32)
    night(tmp_path, path, {(7, 8): 0} if known else {}, batch=1)
    written = path.read_bytes()
    index = RowIndex.open(path)
    with pytest.raises(RowsRepeated):
        index.find(halves(twice))
    if known:
        index.find(halves(twice[:1]))
        with pytest.raises(RowsRepeated):
            index.find(halves(twice[:1]))
    fresh = Newcomers(tmp_path)
    fresh.add(halves(twice), owners)
    with pytest.raises(RowsRepeated):
        write_index(path, None, fresh)
    assert path.read_bytes() == written
    assert [found.name for found in tmp_path.iterdir()] == ["table"]


def test_an_altered_or_truncated_index_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "table"
    night(tmp_path, path, {(number, number): 1 for number in range(100)}, batch=10)
    right = path.read_bytes()
    wrong = [right[:-1], right[:4096], right[:10], b"", right + b"\0", b"{}" + right[2:]]
    wrong += [right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :] for at in (4096, 5000, len(right) - 1)]
    for data in wrong:
        path.write_bytes(data)
        with pytest.raises(IndexUnusable, match="writes its table whole"):
            RowIndex.open(path)
    path.unlink()
    with pytest.raises(IndexUnusable):
        RowIndex.open(path)
