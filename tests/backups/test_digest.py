"""Digests: whatever the order and the parts, what rows add up to stays the same, and nothing else does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.digest import HASH, Digest, RowHasher, Sums, limbs

KEY = bytes(range(32))
LINES = st.lists(st.tuples(st.integers(0, 4), st.binary(max_size=12)), max_size=40)


@given(lines=LINES, cut=st.integers(0, 40), data=st.randoms(use_true_random=False))
def test_sums_by_owner_are_the_plain_sums_in_any_order(lines: list[tuple[int, bytes]], cut: int, data: object) -> None:
    hasher = RowHasher(KEY)
    shuffled = list(lines)
    data.shuffle(shuffled)  # type: ignore[attr-defined]
    sums = Sums()
    for part in (shuffled[:cut], shuffled[cut:]):
        owners = np.array([owner for owner, _ in part], dtype=np.uint32)
        sums.add(owners, limbs(hasher.hashes([line for _, line in part])))
    for owner in range(6):
        mine = [line for which, line in lines if which == owner]
        hashes = hasher.hashes(mine)
        expected = sum(int.from_bytes(hashes[at : at + HASH], "little") for at in range(0, len(hashes), HASH)) % 2**256
        assert sums.of(owner) == Digest(expected) == Digest.of(hashes) == Digest.parse(f"{expected:064x}")
        assert sums.rows_of(owner) == len(mine)
    assert sums.total() == Digest.of(hasher.hashes([line for _, line in lines]))
    assert list(sums.owners()) == sorted({owner for owner, _ in lines})


def test_sums_carry_before_they_overflow() -> None:
    sums = Sums()
    largest = np.full((1 << 16, 4), 0xFFFFFFFF, dtype=np.uint32)
    owners = np.zeros(len(largest), dtype=np.uint32)
    sums.add(owners, largest)
    sums._uncarried = 1 << 31
    sums.add(owners, largest)
    assert sums._uncarried == 0
    assert sums.of(0) == sums.total() == Digest((2**128 - 1) * 2 * len(largest))


def test_an_owner_of_a_high_number_costs_no_more_than_its_rows() -> None:
    hashes = limbs(RowHasher(KEY).hashes([b"one", b"two", b"three"]))
    sums = Sums()
    sums.add(np.array([1_000_000, 3, 1_000_000], dtype=np.uint32), hashes)
    assert list(sums.owners()) == [3, 1_000_000]
    assert sums.of(3) == Digest.of(hashes[1].tobytes())
    assert sums.of(1_000_000) == sums.total() - sums.of(3)
    assert (sums.rows_of(3), sums.rows_of(1_000_000), sums.rows_of(4)) == (1, 2, 0)


def test_digests_add_and_take_away() -> None:
    one, other = (Digest.of(RowHasher(KEY).hashes([text])) for text in (b"1", b"2"))
    assert one + other - other == one
    assert one - one == Digest()
    assert len((Digest() - Digest(1)).hex) == 64
