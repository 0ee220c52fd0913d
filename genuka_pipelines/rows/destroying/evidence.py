"""What a batch leaves behind: a keyed hash for each row, one root for all, and the sealed list of keys.

The ledger must prove later that a row went without saying now which; and whoever finishes the work of a
killed process must know which rows were meant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genuka_pipelines.control.merkle import merkle_root
from genuka_pipelines.rows.where import UNIT
from genuka_pipelines.systems.writer import Found

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring

CONTEXT = "rows of an open intention"


class Hasher:
    """Keyed hashes of rows by the erasure key, as `row_text` and its HMAC give them in a database."""

    def __init__(self, keyring: Keyring) -> None:
        inner, outer = keyring.erasure.pads()
        self._inner, self._outer = hashlib.sha256(inner), hashlib.sha256(outer)

    def digests(self, table: str, keys: Sequence[tuple[str, ...]]) -> list[bytes]:
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


def root_of(digests: Sequence[bytes]) -> str:
    """The Merkle root of keyed hashes, sorted."""
    return merkle_root(sorted(digests))


@dataclass(frozen=True)
class Batch:
    """Rows that are about to go, with their evidence."""

    rows: Sequence[Found]
    digests: Sequence[bytes]
    root: str


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
        parts = [part for key in self.keys for part in key]
        said = [1, self.system, self.table, self.database, self.verb, self.origin, width, parts]
        return keyring.seal(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode(), CONTEXT)


def meant(sealed: bytes, keyring: Keyring) -> Meant | None:
    """What was sealed; None for an intention of another kind. Undecryptable where the key is another."""
    if not sealed:
        return None
    said: list[Any] = json.loads(keyring.unseal(sealed, CONTEXT))
    _, system, table, database, verb, origin, width, parts = said
    keys = tuple(tuple(parts[start : start + width]) for start in range(0, len(parts), width))
    return Meant(system, table, database, verb, origin, keys)
