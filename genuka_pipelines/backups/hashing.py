"""Blocks of rows hashed, in processes of their own where there is much: one interpreter hashes one row at a time.

A night has to hash every row to find the few that are new; that is most of its work, and needs nothing but the
block and the key. `python -m genuka_pipelines.backups.hashing` is such a process; it ends with its input.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

from genuka_pipelines.backups.digest import RowHasher

ALONE = 8 << 20
"""Bytes that are hashed here before any process is started for it."""
Group = tuple[bytes, bytes, int]
"""The prefix of some rows, their text without it, and how many they are."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A block of lines `<prefix>\\t<row>\\n` and the hashes of its lines, 32 bytes each.

    Grouped, the hashes are in the order of `groups`; else in that of the lines.
    """

    block: bytes
    hashes: bytes
    groups: tuple[Group, ...] | None


def hashed(block: bytes, hasher: RowHasher, *, grouped: bool) -> Hashed:
    """Hash a block; `grouped` also tells its rows by their prefixes."""
    lines = block.split(b"\n")
    lines.pop()
    if not grouped:
        return Hashed(block, hasher.hashes(lines), None)
    found: dict[bytes, list[bytes]] = {}
    for line in lines:
        prefix, _, _ = line.partition(b"\t")
        of_prefix = found.get(prefix)
        if of_prefix is None:
            found[prefix] = [line]
        else:
            of_prefix.append(line)
    hashes = b"".join(hasher.hashes(rows) for rows in found.values())
    groups = []
    for prefix, rows in found.items():
        # A newline is nowhere but at the end of a row, so what follows one is the next row's prefix.
        text = b"\n".join([b"", *rows, b""]).replace(b"\n" + prefix + b"\t", b"\n")[1:]
        groups.append((prefix, text, len(rows)))
    return Hashed(block, hashes, tuple(groups))


class Hashers:
    """Hashes the blocks of tables by so many processes; use it in a `with`. Safe between threads.

    A process that is lost costs nothing but time: its block is hashed here.
    """

    def __init__(self, key: bytes, processes: int, *, alone: int = ALONE) -> None:
        self._key, self._hasher = key, RowHasher(key)
        cores = os.cpu_count() or 1
        self._most, self._left = min(processes, cores) if cores > 1 else 0, alone
        self._lock = threading.Lock()
        self._idle: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        self._started: list[subprocess.Popen[bytes]] = []
        self._pool = ThreadPoolExecutor(max(1, self._most), thread_name_prefix="hash")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        for process in self._started:
            _end(process)

    def run(self, blocks: Iterator[bytes], *, grouped: bool) -> Generator[Hashed]:
        """Every block hashed, in order; a few of them ahead of the one that is taken."""
        ahead: deque[Future[Hashed]] = deque()
        try:
            for block in blocks:
                if self._alone(len(block)):
                    yield hashed(block, self._hasher, grouped=grouped)
                    continue
                ahead.append(self._pool.submit(self._elsewhere, block, grouped))
                if len(ahead) > self._most:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()

    def _alone(self, size: int) -> bool:
        with self._lock:
            if not self._most or self._left > 0:
                self._left -= size
                return True
            if not self._started:
                self._start()
            return not self._most

    def _start(self) -> None:
        try:
            for _ in range(self._most):
                process = subprocess.Popen(
                    [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
                self._started.append(process)
                self._idle.put(process)
                marshal.dump(self._key, _in(process))
        except OSError:
            self._most = len(self._started)

    def _elsewhere(self, block: bytes, grouped: bool) -> Hashed:
        process = self._idle.get()
        try:
            if process is None:
                return hashed(block, self._hasher, grouped=grouped)
            marshal.dump((block, grouped), _in(process))
            _in(process).flush()
            hashes, groups = marshal.load(_out(process))  # noqa: S302 - our own process wrote it
            return Hashed(block, hashes, groups)
        except (OSError, EOFError, ValueError, TypeError):
            if process is not None:
                _end(process)
            process = None
            return hashed(block, self._hasher, grouped=grouped)
        finally:
            self._idle.put(process)


def _in(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    return process.stdin


def _out(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    return process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Hash the blocks that come, with the key that comes first, until no more do."""
    hasher = RowHasher(marshal.load(source))  # noqa: S302 - our own parent wrote it
    while True:
        try:
            block, grouped = marshal.load(source)  # noqa: S302 - our own parent wrote it
        except EOFError:
            return
        found = hashed(block, hasher, grouped=grouped)
        marshal.dump((found.hashes, found.groups), sink)
        sink.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
