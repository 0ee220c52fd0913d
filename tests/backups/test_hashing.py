"""Row hashes: those of the standard, of a buffer as of single rows, whatever their lengths and where they lie."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups import hashing
from genuka_pipelines.backups.hashing import HASH, RowHasher

KEY = bytes(range(32))
HASHER = RowHasher(KEY)


def standard(line: bytes, key: bytes = KEY) -> bytes:
    """AES-CMAC by the library, a row at a time."""
    state = CMAC(AES256(key))
    state.update(line)
    return state.finalize()


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (0, "028962f61b7bf89efc6b551f4667d983"),
        (1, "28a7023f452e8f82bd4bf28d8c37c35c"),
        (2.5, "aaf3d8f1de5640c232f5b169b9c911e6"),
        (4, "e1992190549f6ed5696a2c056c315410"),
    ],
)
def test_the_examples_of_nist(blocks: float, expected: str) -> None:
    """NIST SP 800-38B, examples 9 to 12 (AES-256)."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    message = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )[: int(HASH * blocks)]
    many = RowHasher(key).hashes([message] * 100 + [bytes(200)])
    assert {many[at : at + HASH].hex() for at in range(0, 100 * HASH, HASH)} == {expected}


@given(
    lengths=st.lists(st.integers(0, 70) | st.sampled_from([16, 64, 4096, 70_000]), max_size=150),
    seed=st.integers(0, 2**32),
)
def test_many_at_once_are_each_the_standard(lengths: list[int], seed: int) -> None:
    dice = random.Random(seed)
    lines = [dice.randbytes(length) for length in lengths]
    assert HASHER.hashes(lines) == b"".join(map(standard, lines))


def test_parts_of_a_text_may_lie_anywhere_in_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_TOGETHER", 97)
    dice = random.Random(seed)
    text = dice.randbytes(5000)
    bounds = [sorted((dice.randrange(5001), dice.randrange(5001))) for _ in range(500)]
    starts, ends = np.array(bounds).T
    found = HASHER.of(text, starts, ends)
    assert found.tobytes() == b"".join(standard(text[start:end]) for start, end in bounds)


def test_another_key_is_another_hash_and_nothing_is_nothing() -> None:
    assert RowHasher(KEY[::-1]).hashes([b"7\trow"]) == standard(b"7\trow", KEY[::-1]) != standard(b"7\trow")
    assert HASHER.hashes([]) == b""


def test_threads_do_not_disturb_each_other(seed: int) -> None:
    dice = random.Random(seed)
    given = [[dice.randbytes(dice.randrange(200)) for _ in range(2000)] for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(HASHER.hashes, given)) == [b"".join(map(standard, lines)) for lines in given]
