"""The blocks of a table gathered, and read ahead of the one that is worked on.

The server writes only while somebody reads; where each block was hashed before the next is asked for, the
two would wait for one another. Larger blocks keep the work long enough to be worth a turn of the interpreter.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

GATHERED = 2 << 20


def ahead(blocks: Iterator[bytes], size: int = GATHERED) -> Generator[bytes]:
    """The same bytes in blocks of at least so many, the next one being read meanwhile.

    `blocks` are at rest again once this is closed.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(_gathered, blocks, size)
        while block := coming.result():
            coming = pool.submit(_gathered, blocks, size)
            yield block


def _gathered(blocks: Iterator[bytes], size: int) -> bytes:
    parts: list[bytes] = []
    held = 0
    for block in blocks:
        parts.append(block)
        held += len(block)
        if held >= size:
            break
    return b"".join(parts)
