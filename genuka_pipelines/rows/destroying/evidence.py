"""What a batch leaves behind: one root of keyed hashes for all its rows, and the sealed list of keys.

The ledger must prove later that a row went without saying now which; and whoever finishes the work of a
killed process must know which rows were meant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from genuka_pipelines.control.merkle import merkle_root
from genuka_pipelines.rows.where import UNIT
from genuka_pipelines.systems.writer import Found

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.destroying.grip import Grip

CONTEXT = "rows of an open intention"
GROUP = 256
"""Rows of one leaf: a keyed hash and a leaf for each row took twice as long as to delete it."""
_RECORD = "\x1e"
_SPELLED = str.maketrans({"\\": "\\\\", UNIT: "\\u", _RECORD: "\\r"})


class Hasher:
    """Keyed hashes of rows by the erasure key, as `row_text` and its HMAC give them in a database."""

    def __init__(self, keyring: Keyring) -> None:
        self._key = keyring.erasure
        inner, outer = keyring.erasure.pads()
        self._inner, self._outer = hashlib.sha256(inner), hashlib.sha256(outer)

    def digests(self, table: str, keys: Iterable[tuple[str, ...]]) -> list[bytes]:
        """32 bytes for each key, in its order."""
        inner, outer, start = self._inner.copy, self._outer.copy, table + UNIT
        found = []
        for key in keys:
            one = inner()
            one.update((start + UNIT.join(key)).encode())
            two = outer()
            two.update(one.digest())
            found.append(two.digest())
        return found

    def root(self, table: str, keys: Sequence[tuple[str, ...]]) -> str:
        """The Merkle root of rows: their keys in order, 256 to a leaf, each leaf a keyed hash of table and keys.

        Whoever has the key and the rows of the batch can compute it again; nobody else learns anything from it.
        """
        texts = sorted(_texts(keys))
        return merkle_root(
            self._key.digest(f"{_RECORD}{table}{_RECORD}{_RECORD.join(texts[at : at + GROUP])}".encode())
            for at in range(0, len(texts), GROUP)
        )


@dataclass(frozen=True)
class Batch:
    """Rows that are about to go, with their evidence; and the transaction that read just these, where there is one."""

    rows: Sequence[Found]
    root: str
    grip: Grip | None = field(default=None, compare=False)

    def drop(self) -> None:
        """Give that transaction up; no harm where it was used."""
        if self.grip is not None:
            self.grip.drop()


@dataclass(frozen=True)
class Meant:
    """Which rows an open intention means: all that is needed to finish it. `database` is a tenant, or None."""

    system: str
    table: str
    database: str | None
    verb: str
    origin: str | None
    keys: Sequence[tuple[str, ...]]

    def sealed(self, keyring: Keyring) -> bytes:
        """For the keyring alone."""
        width = len(self.keys[0]) if self.keys else 1
        parts = list(chain.from_iterable(self.keys))
        said: list[Any] = [self.system, self.table, self.database, self.verb, self.origin, width]
        joined = UNIT.join(parts)
        if not parts or joined.count(UNIT) != len(parts) - 1:
            # As JSON, which takes ten times as long.
            said, joined = [*said, parts], ""
        header = json.dumps(said, separators=(",", ":"))
        return keyring.seal(f"{header}\n{joined}".encode(), CONTEXT)


def meant(sealed: bytes, keyring: Keyring) -> Meant | None:
    """What was sealed; None for an intention of another kind. Undecryptable where the key is another."""
    if not sealed:
        return None
    header, _, joined = keyring.unseal(sealed, CONTEXT).decode().partition("\n")
    said: list[Any] = json.loads(header)
    system, table, database, verb, origin, width, *spelled = said
    parts = spelled[0] if spelled else joined.split(UNIT)
    keys = tuple(tuple(parts[start : start + width]) for start in range(0, len(parts), width))
    return Meant(system, table, database, verb, origin, keys)


def _texts(keys: Sequence[tuple[str, ...]]) -> list[str]:
    """Of each key one text that no other key has, even where keys hold the marks between their parts."""
    texts = list(map(UNIT.join, keys))
    whole = _RECORD.join(texts)
    marks = len(texts) * len(keys[0]) - 1 if texts else 0
    if "\\" not in whole and whole.count(UNIT) + whole.count(_RECORD) == marks:
        return texts
    return [UNIT.join(part.translate(_SPELLED) for part in key) for key in keys]
