"""A store between us and a real one that fails by a seed: what networks, servers and disks really do.

Whether a call fails depends on the seed, what is asked and how often it was asked before, never on the
order of threads, so a failing round can be run again by its seed.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO, Literal, TypeVar, cast

from genuka_pipelines.stores.errors import AlreadyThere, CorruptObject, Occupied, StoreUnreachable
from genuka_pipelines.stores.reading import ObjectReader
from genuka_pipelines.stores.store import Capabilities, Resistance, Retention, Store, Stored, Unfinished

Kind = Literal["reset", "server", "late", "twice", "stale", "flip", "cut"]
KINDS: tuple[Kind, ...] = ("reset", "server", "late", "twice", "stale", "flip", "cut")
T = TypeVar("T")
_IN_A_ROW = 2


class Killed(BaseException):
    """The process died here; nothing that runs in it does anything any more."""


@dataclass
class Faulty:
    """`rate` of the calls fail, in one of `kinds`, never three times in a row for the same thing. After
    `calls_to_live` calls the process is dead. `skew` seconds are added to what the server's clock seems to be.
    `down`: nobody answers. As many calls as there were are in `calls`, and faults by kind in `happened`.
    """

    store: Store
    seed: int = 0
    rate: float = 0.0
    kinds: tuple[Kind, ...] = KINDS
    calls_to_live: int | None = None
    skew: float | None = None
    down: bool = False
    calls: int = 0
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.name = self.store.name
        self._asked: Counter[tuple[str, str]] = Counter()
        self._row: Counter[tuple[str, str]] = Counter()
        self._alone = threading.Lock()

    # the store

    def put(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        retain_until: datetime | None = None,
        if_absent: bool = True,
        sha256: str | None = None,
    ) -> Stored:
        body = data if isinstance(data, bytes) else data.read()

        def put() -> Stored:
            return self.store.put(key, body, retain_until=retain_until, if_absent=if_absent, sha256=sha256)

        def once_more(stored: Stored) -> Stored:
            try:
                return put()
            except (AlreadyThere, Occupied):
                return stored

        return self._changing("put", key, put, once_more)

    def delete(self, key: str, *, version: str | None = None) -> str | None:
        def delete() -> str | None:
            return self.store.delete(key, version=version)

        return self._changing("delete", f"{key} {version}", delete, lambda _: delete())

    def retain(self, key: str, until: datetime, *, version: str | None = None) -> Retention:
        def retain() -> Retention:
            return self.store.retain(key, until, version=version)

        return self._changing("retain", f"{key} {version}", retain, lambda _: retain())

    def get(self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None) -> bytes:
        fault = self._reading("get", key)
        return _spoilt(self.store.get(key, version=version, start=start, length=length), fault, self.seed)

    def open(self, key: str, *, version: str | None = None) -> ObjectReader:
        fault = self._reading("open", key)
        if fault is None:
            return self.store.open(key, version=version)
        return cast(ObjectReader, io.BytesIO(_spoilt(self.store.get(key, version=version), fault, self.seed)))

    def read_into(self, key: str, out: BinaryIO, *, version: str | None = None) -> Stored:
        fault = self._reading("read_into", key)
        spoilt = io.BytesIO()
        stored = self.store.read_into(key, spoilt, version=version)
        out.write(_spoilt(spoilt.getvalue(), fault, self.seed))
        return stored

    def head(self, key: str, *, version: str | None = None) -> Stored:
        self._reading("head", key)
        return self.store.head(key, version=version)

    def list(self, prefix: str = "", *, versions: bool = False) -> Iterator[Stored]:
        fault = self._fault("list", prefix, "reset", "server", "stale", "cut")
        found = list(self.store.list(prefix, versions=versions))
        if fault in ("reset", "server"):
            raise StoreUnreachable("the listing broke off")
        if fault == "cut":
            return self._broken(found)
        if fault == "stale":
            found = [each for each in found if _number(self.seed, prefix, each.key) > 0.4]
        return iter(found)

    def retention(self, key: str, *, version: str | None = None) -> Retention | None:
        self._reading("retention", key)
        return self.store.retention(key, version=version)

    def resistance(self, key: str, *, version: str) -> Resistance:
        self._reading("resistance", key)
        return self.store.resistance(key, version=version)

    def incomplete(self, prefix: str = "") -> Iterator[Unfinished]:
        self._reading("incomplete", prefix)
        return self.store.incomplete(prefix)

    def abort(self, unfinished: Unfinished) -> None:
        self._reading("abort", unfinished.key)
        self.store.abort(unfinished)

    def capabilities(self) -> Capabilities:
        self._count()
        found = self.store.capabilities()
        return found if self.skew is None else replace(found, clock_offset=self.skew)

    def probe(self) -> Capabilities:
        self._count()
        self.store.probe()
        return self.capabilities()

    # what goes wrong

    def _changing(self, what: str, about: str, act: Callable[[], T], again: Callable[[T], T]) -> T:
        fault = self._fault(what, about, "reset", "server", "late", "twice")
        if fault in ("reset", "server"):
            raise StoreUnreachable("the connection was reset")
        done = act()
        if fault == "late":
            raise StoreUnreachable("the answer came too late")
        return again(done) if fault == "twice" else done

    def _reading(self, what: str, about: str) -> Kind | None:
        spoils: tuple[Kind, ...] = ("flip", "cut") if what in ("get", "open", "read_into") else ()
        fault = self._fault(what, about, "reset", "server", *spoils)
        if fault in ("reset", "server"):
            raise StoreUnreachable("the connection was reset")
        return fault

    def _broken(self, found: Sequence[Stored]) -> Iterator[Stored]:
        yield from found[: len(found) // 2]
        raise StoreUnreachable("the listing broke off")

    def _fault(self, what: str, about: str, *possible: Kind) -> Kind | None:
        self._count()
        with self._alone:
            self._asked[what, about] += 1
            likely = [kind for kind in possible if kind in self.kinds]
            number = _number(self.seed, what, about, self._asked[what, about])
            if not likely or number >= self.rate or self._row[what, about] == _IN_A_ROW:
                self._row[what, about] = 0
                return None
            self._row[what, about] += 1
            kind = likely[int(number / self.rate * len(likely))]
            self.happened[kind] += 1
            return kind

    def _count(self) -> None:
        with self._alone:
            self.calls += 1
            if self.calls_to_live is not None and self.calls > self.calls_to_live:
                raise Killed
        if self.down:
            raise StoreUnreachable("nobody answers")


def _spoilt(data: bytes, fault: Kind | None, seed: int) -> bytes:
    """What arrives: one bit altered behind the store's own check, or noticed by it as cut short."""
    if fault == "cut":
        raise CorruptObject("the bytes broke off")
    if fault == "flip" and data:
        place = int(_number(seed, len(data)) * len(data))
        return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]
    return data


def _number(*parts: object) -> float:
    """From 0 up to 1, always the same for the same parts."""
    hashed = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=7).digest()
    return int.from_bytes(hashed) / 2**56
