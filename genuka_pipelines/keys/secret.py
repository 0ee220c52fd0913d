"""Bytes that never show themselves.

A key that appears in a log, a traceback or a pickled run configuration is a key that has leaked; so
a secret prints as nothing, compares in constant time, and has to be asked for in so many words.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn


class Secret:
    """A secret value. `reveal` gives the bytes; nothing else does."""

    __slots__ = ("__value",)

    def __init__(self, value: bytes) -> None:
        self.__value = bytes(value)

    def reveal(self) -> bytes:
        """The bytes."""
        return self.__value

    @property
    def id(self) -> str:
        """A public name of this value, 16 hex digits: the start of a labelled SHA-256 of random bytes."""
        return hashlib.sha256(b"genuka key id\x00" + self.__value).hexdigest()[:16]

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value, other.__value)

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")
