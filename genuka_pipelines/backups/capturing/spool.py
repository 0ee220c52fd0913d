"""Where the rows of a night wait until their owner's turn: compressed, encrypted, and in nobody's sight.

A shared table is read once, and its rows are those of ten thousand owners; memory cannot hold them, and a
disk must not show them. The file has no name and its key lives in memory, so a killed run leaves nothing.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from genuka_pipelines.backups.errors import CannotCapture
from genuka_pipelines.backups.format.fragment import Fragment, Heading, Held, fragment, texts_of

BUDGET = 16 << 20
CHUNK = 2 << 20
SMALL = 32 << 10
_OVERHEAD, _PIECE = 500, 60
"""What a heading of an owner, and each text under it, cost in memory beside the bytes."""


@dataclass(slots=True)
class _Waiting:
    """Texts of one owner that are not written yet, by what they are of, and their rows."""

    texts: dict[Heading, list[bytes]] = field(default_factory=dict)
    rows: dict[Heading, int] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A fragment in the file: where it lies, and all of it but its frame."""

    offset: int
    length: int
    nonce: int
    plain: int
    held: tuple[Held, ...]


class Spool:
    """Texts added by owner number and heading, given back by owner as fragments. Safe between threads.

    Memory stays below the budget (bytes) and a few hundred bytes for each owner and chunk.
    """

    def __init__(self, folder: Path, *, budget: int = BUDGET, chunk: int = CHUNK, threads: int = 2) -> None:
        self._folder, self._budget, self._chunk = folder, budget, chunk
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the spool
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._waiting: dict[int, _Waiting] = {}
        self._chunks: dict[int, list[_Chunk | None]] = {}
        self._held = self._end = self._nonces = 0
        self._lock, self._ends = threading.Lock(), threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="spool")
        self._in_work: deque[Future[None]] = deque()
        self._most = 2 * threads + 2

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._file.close()

    def add(self, heading: Heading, texts: Iterable[tuple[int, bytes, int]]) -> None:
        """Keep texts of whole rows: whose each is, and how many rows. CannotCapture where the disk is full."""
        with self._lock:
            for owner, text, rows in texts:
                self._keep(owner, heading, text, rows)

    def finish(self) -> None:
        """Write what still waits; raises what went wrong in the background."""
        with self._lock:
            for owner in list(self._waiting):
                self._write(owner)
            self._await(0)

    def owners(self) -> set[int]:
        """Whose texts there are, after `finish`."""
        return set(self._chunks)

    def size(self, owner: int) -> int:
        """The bytes that an owner's texts take, compressed, after `finish`."""
        return sum(chunk.length for chunk in self._chunks.get(owner, ()) if chunk)

    def gather(self, owner: int, wanted: Callable[[Heading], bool] = lambda _: True) -> Iterator[Fragment]:
        """An owner's texts under the headings that are wanted, after `finish`: a chunk at a time.

        Small chunks are joined and compressed anew, large ones are given as they were written.
        """
        joined: dict[Heading, list[tuple[int, bytes]]] = {}
        size = 0
        for chunk in self._chunks.get(owner, ()):
            if chunk is None or not any(wanted(heading) for heading, _, _ in chunk.held):
                continue
            found = Fragment(self._read(owner, chunk), chunk.plain, chunk.held)
            if chunk.plain >= SMALL and all(wanted(heading) for heading, _, _ in chunk.held):
                yield found
                continue
            for heading, rows, text in texts_of(found):
                if wanted(heading):
                    joined.setdefault(heading, []).append((rows, text))
                    size += len(text)
            if size >= self._chunk:
                yield _join(joined)
                joined, size = {}, 0
        if joined:
            yield _join(joined)

    def _keep(self, owner: int, heading: Heading, text: bytes, rows: int) -> None:
        waiting = self._waiting.get(owner)
        if waiting is None:
            waiting = self._waiting[owner] = _Waiting()
        cost = len(text) + _PIECE
        known = waiting.texts.get(heading)
        if known is None:
            known = waiting.texts[heading] = []
            waiting.rows[heading] = 0
            cost += _OVERHEAD
        known.append(text)
        waiting.rows[heading] += rows
        waiting.size += cost
        self._held += cost
        if waiting.size >= self._chunk:
            self._write(owner)
        elif self._held > self._budget:
            self._relieve()

    def _relieve(self) -> None:
        # The largest first, and half of it all, so that small texts of small owners may still grow.
        for owner in sorted(self._waiting, key=lambda one: self._waiting[one].size, reverse=True):
            self._write(owner)
            if self._held <= self._budget // 2:
                return

    def _write(self, owner: int) -> None:
        """Hand an owner's texts to the background: each large one by itself, the small ones together."""
        waiting = self._waiting.pop(owner)
        self._held -= waiting.size
        texts = [(heading, waiting.rows[heading], pieces) for heading, pieces in waiting.texts.items()]
        large = [text for text in texts if sum(map(len, text[2])) >= SMALL]
        apart = {heading for heading, _, _ in large}
        for text in large:
            self._hand(owner, [text])
        if len(large) < len(texts):
            self._hand(owner, [text for text in texts if text[0] not in apart])

    def _hand(self, owner: int, texts: list[tuple[Heading, int, list[bytes]]]) -> None:
        self._await(self._most - 1)
        self._nonces += 1
        chunks = self._chunks.setdefault(owner, [])
        chunks.append(None)
        self._in_work.append(self._pool.submit(self._written, owner, texts, self._nonces, len(chunks) - 1))

    def _await(self, most: int) -> None:
        """Wait until at most so many chunks are in work."""
        while len(self._in_work) > most:
            try:
                self._in_work.popleft().result()
            except OSError:
                raise CannotCapture(
                    f"the folder {self._folder} takes no more of what a backup sets aside: free some of its disk"
                ) from None

    def _written(self, owner: int, texts: list[tuple[Heading, int, list[bytes]]], nonce: int, place: int) -> None:
        made = fragment(texts)
        sealed = self._cipher.encrypt(nonce.to_bytes(12, "big"), made.frame, owner.to_bytes(8, "big"))
        with self._ends:
            offset, self._end = self._end, self._end + len(sealed)
        view, at = memoryview(sealed), offset
        while view:
            written = os.pwrite(self._file.fileno(), view, at)
            view, at = view[written:], at + written
        self._chunks[owner][place] = _Chunk(offset, len(sealed), nonce, made.plain, made.held)

    def _read(self, owner: int, chunk: _Chunk) -> bytes:
        sealed = b""
        while len(sealed) < chunk.length:
            more = os.pread(self._file.fileno(), chunk.length - len(sealed), chunk.offset + len(sealed))
            if not more:
                raise CannotCapture(f"the folder {self._folder} lost what a backup had set aside: run it again")
            sealed = sealed + more if sealed else more
        return self._cipher.decrypt(chunk.nonce.to_bytes(12, "big"), sealed, owner.to_bytes(8, "big"))


def _join(texts: Mapping[Heading, Sequence[tuple[int, bytes]]]) -> Fragment:
    return fragment(
        (heading, sum(rows for rows, _ in pieces), [text for _, text in pieces]) for heading, pieces in texts.items()
    )
