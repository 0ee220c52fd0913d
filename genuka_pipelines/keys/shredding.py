"""Destroys a tenant's key everywhere, and says so only after having looked again.

A copy forgotten in one place makes every locked backup readable again; the receipt is evidence for
the tenant, so it names each place and what was there, and is not given while anything is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from genuka_pipelines.keys.errors import KeyStillThere


class Copy(Protocol):
    """One copy of a wrapped key, in a store that can forget."""

    @property
    def place(self) -> str:
        """Where it is: a store's name, never a secret."""
        ...

    def read(self) -> bytes | None:
        """The wrapped key, or None when there is none."""
        ...

    def destroy(self) -> None:
        """Removes it, with every version."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """`found` holds, by place, the SHA-256 of the wrapped key that was destroyed, or None where none was."""

    key: str
    destroyed_at: datetime
    found: tuple[tuple[str, str | None], ...]


def shred(key: str, copies: Sequence[Copy], *, now: datetime) -> Receipt:
    """Destroys every copy of the wrapped key named `key`. KeyStillThere, naming the place, if one remains.

    Repeating it is harmless: an interrupted shredding is finished by the next.
    """
    if not copies:
        raise ValueError("a key without a single place to look in cannot be proved destroyed")
    found = []
    for copy in copies:
        wrapped = copy.read()
        found.append((copy.place, None if wrapped is None else hashlib.sha256(wrapped).hexdigest()))
        if wrapped is not None:
            copy.destroy()
    for copy in copies:
        if copy.read() is not None:
            raise KeyStillThere(f"the key {key} can still be read in {copy.place}: destroy it there, then try again")
    return Receipt(key, now, tuple(found))
