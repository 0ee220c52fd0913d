"""Digests: whatever the order and the parts, what rows add up to stays the same, and nothing else does."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.digest import Digest, RowHasher, Sums, limbs

KEY = bytes(range(32))
LINES = st.lists(st.tuples(st.integers(0, 4), st.binary(max_size=12)), max_size=40)


def test_a_row_hash_is_blake2b_salted_by_both_halves_of_the_key() -> None:
    plain = hashlib.blake2b(b"7\trow", digest_size=32, salt=KEY[:16], person=KEY[16:]).digest()
    assert RowHasher(KEY).hashes([b"7\trow", b""])[:32] == plain
    assert RowHasher(KEY[::-1]).hashes([b"7\trow"]) != plain
    assert RowHasher(KEY).hashes([]) == b""


@given(lines=LINES, cut=st.integers(0, 40), data=st.randoms(use_true_random=False))
def test_sums_by_owner_are_the_plain_sums_in_any_order(lines: list[tuple[int, bytes]], cut: int, data: object) -> None:
    hasher = RowHasher(KEY)
    shuffled = list(lines)
    data.shuffle(shuffled)  # type: ignore[attr-defined]
    sums, prefixes = Sums(), Sums(4)
    for part in (shuffled[:cut], shuffled[cut:]):
        owners = np.array([owner for owner, _ in part], dtype=np.uint32)
        hashed = limbs(hasher.hashes([line for _, line in part]))
        sums.add(owners, hashed)
        prefixes.add(owners, hashed[:, :4])
    for owner in range(6):
        mine = [line for which, line in lines if which == owner]
        hashes = hasher.hashes(mine)
        expected = sum(int.from_bytes(hashes[at : at + 32], "little") for at in range(0, len(hashes), 32)) % 2**256
        assert sums.of(owner) == Digest(expected) == Digest.of(hashes) == Digest.parse(f"{expected:064x}")
        assert prefixes.of(owner).low == sums.of(owner).low
        assert sums.rows_of(owner) == len(mine)
    assert sums.total() == Digest.of(hasher.hashes([line for _, line in lines]))
    assert list(sums.owners()) == sorted({owner for owner, _ in lines})


def test_sums_carry_before_they_overflow() -> None:
    sums = Sums()
    largest = np.full((1 << 16, 8), 0xFFFFFFFF, dtype=np.uint32)
    owners = np.zeros(len(largest), dtype=np.uint32)
    sums.add(owners, largest)
    sums._uncarried = 1 << 31
    sums.add(owners, largest)
    assert sums._uncarried == 0
    assert sums.of(0) == sums.total() == Digest((2**256 - 1) * 2 * len(largest) % 2**256)


def test_digests_add_and_take_away() -> None:
    one, other = (Digest.of(RowHasher(KEY).hashes([text])) for text in (b"1", b"2"))
    assert one + other - other == one
    assert one - one == Digest()
    assert len((Digest() - Digest(1)).hex) == 64
