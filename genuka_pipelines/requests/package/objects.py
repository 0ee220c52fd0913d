"""The files and recordings that a person's rows point at: enclosed where a store of ours has them, named where not.

A file that a row names and the store lacks is said to be missing: a package that is silent about it looks whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genuka_pipelines.exports.media import NUMBER
from genuka_pipelines.requests.package.errors import FileVanished
from genuka_pipelines.stores.errors import InvalidKey, NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.requests.house import Answering
    from genuka_pipelines.stores.store import Store, Stored

Fate = Literal["given", "too_large", "missing", "elsewhere"]
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Pointed:
    """What a row of a table says that it points at in a system."""

    table: str
    system: str
    key: str


@dataclass(frozen=True)
class File:
    """What became of it. `path` is its name in the package, where it is given; `size` in bytes, where known."""

    of: Pointed
    name: str
    fate: Fate
    path: str | None = None
    size: int | None = None
    stored: Stored | None = None


def files(house: Answering, pointed: Sequence[Pointed], *, each: int, together: int) -> tuple[File, ...]:
    """What each row points at, none twice; no file beyond `each` bytes, nor beyond `together` of all, is enclosed."""
    found: list[File] = []
    taken = 0
    for one in dict.fromkeys(pointed):
        if house.catalog.systems[one.system].kind != "store":
            found.append(File(one, one.key, "elsewhere"))
            continue
        objects = _objects(house.store(one.system), one.key)
        if not objects:
            found.append(File(one, one.key, "missing"))
        for stored in objects:
            if stored.size > each or taken + stored.size > together:
                found.append(File(one, stored.key, "too_large", size=stored.size))
                continue
            taken += stored.size
            ending = _ENDING.fullmatch("." + stored.key.rpartition(".")[2]) if "." in stored.key else None
            path = f"files/{len(found) + 1:06d}{ending[0] if ending else ''}"
            found.append(File(one, stored.key, "given", path, stored.size, stored))
    return tuple(found)


def content(house: Answering, file: File) -> Iterator[bytes]:
    """The bytes of a file that is given. FileVanished where they went meanwhile."""
    if file.stored is None:
        return
    try:
        with house.store(file.of.system).open(file.stored.key, version=file.stored.version) as reader:
            while block := reader.read(_BLOCK):
                yield block
    except NoSuchObject:
        raise FileVanished("a file went while the package was made; run the request again") from None


def _objects(store: Store, key: str) -> list[Stored]:
    """The object of that name and, where it is a row's number, every object below it: as an erasure takes them."""
    try:
        below = [one for one in store.list(key + "/") if not one.marker] if NUMBER.fullmatch(key) else []
        try:
            return [store.head(key), *below]
        except NoSuchObject:
            return below
    except InvalidKey:
        return []
