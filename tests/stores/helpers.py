"""Streams, hashes and crowds that the tests of stores share."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from genuka_pipelines.stores.errors import AlreadyThere, Occupied

MIB = 1 << 20


def soon(seconds: float = 3600) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Pipe(io.RawIOBase):
    """A stream that can be neither rewound nor measured, and gives little at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 70_001) if size >= 0 else 70_001)


class Barrier(Protocol):
    """Of threads or of processes."""

    def wait(self, timeout: float) -> int: ...


class Together(Pipe):
    """A stream whose readers all wait for each other: whoever gets through has begun its put."""

    def __init__(self, data: bytes, barrier: Barrier) -> None:
        super().__init__(data)
        self._barrier: Barrier | None = barrier

    def read(self, size: int = -1, /) -> bytes:
        if self._barrier is not None:
            barrier, self._barrier = self._barrier, None
            barrier.wait(30)
        return super().read(size)


def together(data: bytes, barrier: Barrier) -> BinaryIO:
    return cast(BinaryIO, Together(data, barrier))


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    """Results and errors of `count` threads let loose together."""

    def one(number: int) -> object:
        try:
            return act(number)
        except (AlreadyThere, Occupied) as error:
            return error

    with ThreadPoolExecutor(count) as racers:
        return list(racers.map(one, range(count)))


class WeakClient:
    """A server that says yes to what a lock must forbid, as one emulator does."""

    def __init__(self, client: Any, *lies: str) -> None:
        self._client, self._lies = client, lies

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name in self._lies:
            return lambda **_: {"ResponseMetadata": {"HTTPHeaders": {}}}
        if "drop locks" in self._lies and name == "put_object":
            return lambda **o: real(**{k: v for k, v in o.items() if not k.startswith("ObjectLock")})
        return real


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def leftovers(root: Path) -> list[str]:
    return files_in(root / ".store/scratch") + files_in(root / ".store/pending")
