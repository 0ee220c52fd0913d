"""Blocks that are read ahead: the same bytes in order, an error where it happened, and nothing read on its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.capturing.ahead import ahead


@given(blocks=st.lists(st.binary(min_size=1, max_size=9), max_size=20), size=st.integers(1, 40))
def test_the_same_bytes_in_larger_blocks(blocks: list[bytes], size: int) -> None:
    found = list(ahead(iter(blocks), size))
    assert b"".join(found) == b"".join(blocks)
    assert all(len(block) >= size for block in found[:-1])


def test_what_goes_wrong_is_told_where_it_did() -> None:
    def breaking() -> Iterator[bytes]:
        yield b"one"
        raise OSError("lost")

    reading = ahead(breaking(), 3)
    assert next(reading) == b"one"
    with pytest.raises(OSError, match="lost"):
        next(reading)


def test_at_most_one_block_more_is_read_and_none_once_it_is_closed() -> None:
    read: list[int] = []

    def counted() -> Iterator[bytes]:
        for number in range(100):
            read.append(number)
            yield b"block"

    blocks = counted()
    with closing(ahead(blocks, 5)) as reading:
        next(reading)
    assert len(read) == 2
    assert next(blocks) == b"block"
    assert not [one for one in threading.enumerate() if one.name.startswith("ahead")]
